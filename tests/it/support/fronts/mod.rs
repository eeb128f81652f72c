//! The two web frameworks with the same routes, so that each promise is held to both.

mod actix;
mod axum;
pub(crate) mod routes;

use std::net::SocketAddr;

use super::House;

/// A web framework that housekey has an adapter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// What the layer is told beyond what the house's `Config` says; nothing unless a test says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) login_url: Option<&'static str>,
    pub(crate) csp: Option<&'static str>,
    pub(crate) referrer_policy: Option<&'static str>,
    pub(crate) opener_policy: Option<&'static str>,
    pub(crate) frame_options: Option<&'static str>,
    pub(crate) hsts_seconds: Option<u64>,
    pub(crate) hsts_below: bool,
    pub(crate) most_of_a_form: Option<usize>,
}

/// The builders of the two layers have the same methods.
macro_rules! told {
    ($layer:expr, $settings:expr) => {{
        let (mut layer, settings) = ($layer, $settings);
        if let Some(url) = settings.login_url {
            layer = layer.with_login_url(url);
        }
        if let Some(policy) = settings.csp {
            layer = layer.with_secure_csp(policy);
        }
        if let Some(policy) = settings.referrer_policy {
            layer = layer.with_secure_referrer_policy(policy);
        }
        if let Some(policy) = settings.opener_policy {
            layer = layer.with_secure_cross_origin_opener_policy(policy);
        }
        if let Some(options) = settings.frame_options {
            layer = layer.with_x_frame_options(options);
        }
        if let Some(seconds) = settings.hsts_seconds {
            layer = layer.with_secure_hsts_seconds(seconds);
        }
        if settings.hsts_below {
            layer = layer.with_secure_hsts_include_subdomains();
        }
        if let Some(bytes) = settings.most_of_a_form {
            layer = layer.with_data_upload_max_memory_size(bytes);
        }
        layer
    }};
}
use told;

impl Framework {
    /// Serves the routes of `routes.rs` on a free port of the loopback, until the test process ends.
    pub(crate) fn serve(self, house: &House) -> SocketAddr {
        self.serve_with(house, &Settings::default())
    }

    pub(crate) fn serve_with(self, house: &House, settings: &Settings) -> SocketAddr {
        match self {
            Self::Axum => axum::serve(house, settings),
            Self::Actix => actix::serve(house, settings),
        }
    }

    /// A route with an extractor, and no layer around it.
    pub(crate) fn serve_bare(self) -> SocketAddr {
        match self {
            Self::Axum => axum::serve_bare(),
            Self::Actix => actix::serve_bare(),
        }
    }

    /// The layer inside a router of its own, that has a prefix.
    pub(crate) fn serve_nested(self, house: &House) -> SocketAddr {
        match self {
            Self::Axum => axum::serve_nested(house),
            Self::Actix => actix::serve_nested(house),
        }
    }
}

/// Mounts the tests named: each once for each framework.
macro_rules! on_both_frameworks {
    ($($test:ident),+ $(,)?) => {
        mod axum {
            $(#[test] fn $test() { super::$test(crate::support::fronts::Framework::Axum); })+
        }
        mod actix {
            $(#[test] fn $test() { super::$test(crate::support::fronts::Framework::Actix); })+
        }
    };
}
pub(crate) use on_both_frameworks;

/// Mounts the tests named: each once for each framework and each kind of the shared database.
macro_rules! on_each_front {
    ($($test:ident),+ $(,)?) => {
        mod axum {
            use crate::support::fronts::Framework::Axum;
            crate::support::fronts::on_each_front!(@ Axum $($test)+);
        }
        mod actix {
            use crate::support::fronts::Framework::Actix;
            crate::support::fronts::on_each_front!(@ Actix $($test)+);
        }
    };
    (@ $framework:ident $($test:ident)+) => {
        mod sqlite {
            $(#[test] fn $test() {
                super::super::$test(super::$framework, &crate::support::Home::sqlite());
            })+
        }
        mod postgres {
            $(#[test] fn $test() {
                match crate::support::Home::postgres() {
                    Some(home) => super::super::$test(super::$framework, &home),
                    None => crate::support::skip("PostgreSQL"),
                }
            })+
        }
    };
}
pub(crate) use on_each_front;
