//! A web server on a real socket, and a client that follows nothing and keeps no cookies.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use tokio::sync::oneshot::{Sender, channel};
use ureq::Agent;
use ureq::http::{Request, Response};

thread_local! {
    static SERVERS: RefCell<Vec<Sender<Infallible>>> = const { RefCell::new(Vec::new()) };
}

/// Tells a server that the test is over for which it was made: the thread of the test is, and it takes what the
/// server has open along.
pub(crate) fn end_of_test() -> impl Future<Output = ()> + Send + use<> {
    let (until_dropped, dropped) = channel();
    SERVERS.with_borrow_mut(|servers| servers.push(until_dropped));
    async move { drop(dropped.await) }
}

/// Serves on a free port of the loopback, with one worker thread, until the test ends.
pub(crate) fn serve(app: Router) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let end = end_of_test();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                () = end => {}
            }
        });
        runtime.shutdown_background();
    });
    told.recv().unwrap()
}

/// The same of an actix-web server.
pub(crate) async fn until(end: impl Future<Output = ()> + 'static, server: actix_web::dev::Server) {
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        end.await;
        handle.stop(false).await;
    });
    server.await.unwrap();
}

/// What a server answered, with its body read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    response: Response<()>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// All headers of that name.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let values = self.response.headers().get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    /// The value that `Set-Cookie` gives to the session cookie.
    pub(crate) fn cookie(&self) -> Option<String> {
        let value = self.set_cookie("sessionid")?.split(';').next()?.split_once('=')?.1;
        Some(value.to_owned())
    }

    /// The line that sets the cookie of that name.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.set_cookies().find(|line| line.split_once('=').is_some_and(|(of, _)| of == name))
    }

    /// All lines that set a cookie.
    pub(crate) fn set_cookies(&self) -> impl Iterator<Item = &str> {
        let lines = self.response.headers().get_all("set-cookie").iter();
        lines.map(|line| line.to_str().unwrap())
    }
}

/// A secret and a token for it, as any page of the app could have given them.
pub(crate) const CSRF_SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

/// One request, as a page of the app sends it; an empty cookie is none.
pub(crate) fn request(method: &str, address: SocketAddr, path: &str, cookie: &str) -> Answer {
    let mut headers = Vec::new();
    if !cookie.is_empty() {
        headers.push(("cookie", format!("sessionid={cookie}")));
    }
    if method == "POST" {
        headers.push(("cookie", format!("csrftoken={CSRF_SECRET}")));
        headers.push(("x-csrftoken", CSRF_SECRET.to_owned()));
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    send(method, address, path, &headers, "")
}

/// One request, as it stands here.
pub(crate) fn send(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let agent: Agent =
        Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    Answer { status: response.status().as_u16(), body, response: response.map(drop) }
}

/// What a browser says that it takes.
pub(crate) const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A visit of somebody with this session, who takes this; an empty text for neither.
pub(crate) fn visit(address: SocketAddr, path: &str, session: &str, accept: &str) -> Answer {
    let cookie = format!("sessionid={session}");
    let all = [("cookie", cookie.as_str()), ("accept", accept)];
    let said: Vec<_> =
        all.into_iter().filter(|(_, value)| !value.ends_with('=') && !value.is_empty()).collect();
    send("GET", address, path, &said, "")
}

pub(crate) fn get(address: SocketAddr, path: &str, cookie: &str) -> Answer {
    request("GET", address, path, cookie)
}
