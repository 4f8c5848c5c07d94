//! PostgreSQL's primary key behind the HTTP layer that the server has: what a look-up by key is measured beside. See README.md.

use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgPoolOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: peer ADDRESS POSTGRES_URL CONNECTIONS

Serves POST /api/v1/datasets/{code}/records/lookup from the table `population`, one key a request.";
const SQL: &str =
    "select id_number, name, sex, birth_date::text, county_code from population where id_number = $1";
const COLUMNS: [&str; 5] = ["id_number", "name", "sex", "birth_date", "county_code"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, url, connections] = words.as_slice() else { return Err(USAGE.into()) };
    let pool = PgPoolOptions::new().max_connections(connections.parse()?).test_before_acquire(false);
    let pool = Arc::new(pool.connect(url).await?);
    let routes = Router::new()
        .route("/api/v1/datasets/{code}/records/lookup", post(look_up))
        .route("/.well-known/jwks.json", get(async || Json(json!({ "keys": [] }))))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, routes).await?)
}

async fn look_up(
    State(pool): State<Arc<PgPool>>,
    Json(asked): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let key = asked["keys"][0].as_str().ok_or(StatusCode::BAD_REQUEST)?;
    let rows = sqlx::query(SQL).bind(key).fetch_all(pool.as_ref()).await;
    let rows = rows.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let data: Vec<Value> = rows
        .iter()
        .map(|row| {
            COLUMNS
                .iter()
                .enumerate()
                .map(|(place, name)| (name.to_string(), json!(row.get::<String, _>(place))))
                .collect()
        })
        .collect();
    Ok(Json(json!({ "data": data })))
}
