//! The crate `jpki`, as a program. It sends every command twice (card.md §19.3), as the crate's own program does.

use clients::{fail, show};
use jpki::{
    Card,
    ap::{CryptoAp, SupportAp, SurfaceAp, crypto::CertType, surface::Pin},
    pcsc::{Context, PcscCard},
};
use std::rc::Rc;

const USAGE: &str = "jpki certificate auth|auth-ca|sign-ca
       jpki certificate sign PASSWORD
       jpki tries auth|sign|text|face-a|face-b
       jpki sign auth|sign PIN HEX
       jpki number PIN
       jpki attributes PIN
       jpki face a|b NUMBER";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(error) = run(&arguments) {
        fail(&error);
    }
}

fn card() -> Result<Rc<Card<PcscCard<'static>, ()>>, jpki::pcsc::Error> {
    let context = Context::try_new()?;
    let device = context.open()?;
    Ok(Rc::new(Card::new(Box::new(device.connect(context)?))))
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let crypto = || Ok::<_, Box<dyn std::error::Error>>(CryptoAp::open((), card()?)?);
    let text = || Ok::<_, Box<dyn std::error::Error>>(SupportAp::open((), card()?)?);
    let face = || Ok::<_, Box<dyn std::error::Error>>(SurfaceAp::open((), card()?)?);
    match arguments {
        ["certificate", which, password @ ..] => {
            let which = match *which {
                "auth" => CertType::Auth,
                "auth-ca" => CertType::AuthCA,
                "sign" => CertType::Sign,
                "sign-ca" => CertType::SignCA,
                _ => return Err(USAGE.into()),
            };
            let password = password.first().copied().unwrap_or("");
            show("certificate", &hex::encode(crypto()?.read_certificate((), which, password.into())?));
        }
        ["tries", "auth"] => show("tries", &crypto()?.auth_pin_status(())?),
        ["tries", "sign"] => show("tries", &crypto()?.sign_pin_status(())?),
        ["tries", "text"] => show("tries", &text()?.pin_status(())?),
        ["tries", "face-a"] => show("tries", &face()?.pin_a_status(())?),
        ["tries", "face-b"] => show("tries", &face()?.pin_b_status(())?),
        ["sign", "auth", pin, input] => {
            show("signature", &hex::encode(crypto()?.auth((), (*pin).into(), hex::decode(input)?)?));
        }
        ["sign", "sign", pin, input] => {
            show("signature", &hex::encode(crypto()?.sign((), (*pin).into(), hex::decode(input)?)?));
        }
        ["number", pin] => show("number", &text()?.read_my_number((), (*pin).into())?),
        ["attributes", pin] => {
            let attributes = text()?.read_attributes((), (*pin).into())?;
            show("name", &attributes.name);
            show("address", &attributes.address);
            show("birth", &attributes.date_of_birth);
            show("sex", &format!("{:?}", attributes.sex));
        }
        ["face", which, number] => {
            let number = (*number).into();
            let face = face()?.read_surface((), if *which == "a" { Pin::A(number) } else { Pin::B(number) })?;
            show("birth", &String::from_utf8_lossy(&face.date_of_birth));
            show("sex", &String::from_utf8_lossy(&face.sex));
            show("expiry", &String::from_utf8_lossy(&face.expiry_date));
            show("name", &hex::encode(&face.name));
            show("photo", &hex::encode(&face.photo));
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
