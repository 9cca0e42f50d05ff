//! CRLs and OCSP, with openssl as a judge of what is made here and as a maker of what is read here.

mod crl;
mod hostile;
mod ocsp;
mod support;
