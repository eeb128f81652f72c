use actix_web::{HttpResponse, Route, guard, web};

use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;

/// The document by which an app tells what it is, for `housekey check --against` and for other apps: see
/// [`Profile`](crate::Profile). Nothing in it is a secret, and it asks for no session. While the shared database
/// does not answer it is 503, so it is a health document as well.
///
/// ```no_run
/// # use actix_web::App;
/// # use diesel::SqliteConnection;
/// # fn with(house: &housekey::Housekey<SqliteConnection>) {
/// let app = App::new().route("/housekey.json", housekey::actix::profile(house));
/// # }
/// ```
#[must_use]
pub fn profile<L: HouseConnection>(house: &Housekey<L>) -> Route {
    let house = house.clone();
    web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(move || {
        let house = house.clone();
        async move { tell(&house).await }
    })
}

async fn tell<L: HouseConnection>(house: &Housekey<L>) -> Result<HttpResponse, Error> {
    let profile = house.run(Housekey::profile).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "application/json"))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(profile.to_json()))
}
