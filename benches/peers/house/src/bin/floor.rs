//! B5: the framework alone, which asks nobody who it is.

use axum::Router;
use axum::routing::get;
use housekey_peers_house::serve;

#[tokio::main]
async fn main() {
    serve(Router::new().route("/whoami", get(|| async { "somebody" }))).await;
}
