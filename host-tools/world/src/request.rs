//! Requests that were accepted at the counter, with the paper that was handed out.

use crate::{certificate::Certificate, counter::Done, error::WorldError, fee::Fee, store, store::Tx};
use time::OffsetDateTime;

/// Files a request.
pub(crate) async fn file(
    tx: &mut Tx,
    now: OffsetDateTime,
    procedure: &str,
    (resident, card): (&str, &str),
    fee: Fee,
    certificates: Vec<Certificate>,
    paper: String,
) -> Result<Done, WorldError> {
    let request = store::next(tx, "request").await?;
    let paper = paper.replace("{number}", &format!("{request:06}"));
    sqlx::query(
        "INSERT INTO requests (id, at, procedure, resident, card, fee, outcome, paper) \
         VALUES ($1, $2, $3, $4, $5, $6, 'accepted', $7)",
    )
    .bind(i64::from(request))
    .bind(now.unix_timestamp())
    .bind(procedure)
    .bind(resident)
    .bind(card)
    .bind(i64::from(fee.yen))
    .bind(&paper)
    .execute(&mut **tx)
    .await?;
    Ok(Done { request, certificates, fee, paper })
}
