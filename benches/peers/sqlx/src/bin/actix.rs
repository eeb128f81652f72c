//! actix-web with actix-session in a signed cookie, actix-identity, and the user by sqlx from PostgreSQL.
//! `/login/7` signs in user 7: so the cookies for the load are made.

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::SessionMiddleware;
use actix_session::config::CookieContentSecurity;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
use actix_web::{App, Error, HttpMessage, HttpRequest, HttpServer, web};
use housekey_peers_sqlx::{CONNECTIONS, FIND_USER, User, address, variable};
use sqlx::postgres::{PgPool, PgPoolOptions};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.connect_lazy(&variable("DATABASE")).expect("the URL of a database");
    let key = Key::derive_from(variable("SECRET_KEY").as_bytes());
    HttpServer::new(move || {
        let session = SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
            .cookie_secure(false)
            .cookie_content_security(CookieContentSecurity::Signed);
        App::new()
            .app_data(web::Data::new(pool.clone()))
            .wrap(IdentityMiddleware::default())
            .wrap(session.build())
            .route("/whoami", web::get().to(whoami))
            .route("/login/{id}", web::get().to(login))
    })
    .bind(address())?
    .run()
    .await
}

async fn whoami(identity: Option<Identity>, pool: web::Data<PgPool>) -> Result<String, Error> {
    let identity = identity.ok_or_else(|| ErrorUnauthorized(""))?;
    let id: i32 = identity.id()?.parse().map_err(ErrorUnauthorized)?;
    let user: Option<User> = sqlx::query_as(FIND_USER)
        .bind(id)
        .fetch_optional(pool.get_ref())
        .await
        .map_err(ErrorInternalServerError)?;
    user.map(|user| user.username).ok_or_else(|| ErrorUnauthorized(""))
}

async fn login(request: HttpRequest, id: web::Path<i32>) -> Result<&'static str, Error> {
    Identity::login(&request.extensions(), id.to_string())?;
    Ok("")
}
