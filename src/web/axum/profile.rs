use ::axum::routing::{MethodRouter, get};
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::db::HouseConnection;
use crate::house::Housekey;

/// The document by which an app tells what it is, for `housekey check --against` and for other apps: see
/// [`Profile`](crate::Profile). Nothing in it is a secret, and it asks for no session. While the shared database
/// does not answer it is 503, so it is a health document as well.
///
/// ```no_run
/// # use axum::Router;
/// # use diesel::SqliteConnection;
/// # fn with(house: &housekey::Housekey<SqliteConnection>) {
/// let app: Router = Router::new().route("/housekey.json", housekey::axum::profile(house));
/// # }
/// ```
pub fn profile<L, S>(house: &Housekey<L>) -> MethodRouter<S>
where
    L: HouseConnection,
    S: Clone + Send + Sync + 'static,
{
    let house = house.clone();
    get(|| async move { tell(&house).await })
}

async fn tell<L: HouseConnection>(house: &Housekey<L>) -> Response {
    const HEADERS: [(http::HeaderName, &str); 3] = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    match house.run(Housekey::profile).await {
        Ok(profile) => (HEADERS, profile.to_json()).into_response(),
        Err(error) => error.into_response(),
    }
}
