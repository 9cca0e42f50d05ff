//! The authorities over HTTP: openssl as a client, the relying side of `pki` as another, and peers that behave badly.

mod asking;
mod crl;
mod limits;
mod logs;
mod ocsp;
mod portal;
mod support;
