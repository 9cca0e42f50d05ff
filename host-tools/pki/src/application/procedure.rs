//! What can be applied for: some of the procedures that the service is used for, with fields of our own. (service.md §6)

use serde::Serialize;
use serde_json::{Map, Value, json};

/// A procedure and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Procedure {
    /// By which it is asked for.
    pub name: &'static str,
    /// As the form has it.
    pub japanese: &'static str,
    /// English.
    pub english: &'static str,
    /// Fields beside the four attributes.
    pub fields: &'static [&'static str],
}

impl Procedure {
    /// All that there are.
    pub const ALL: [Procedure; 5] = [
        Procedure {
            name: "car-tax",
            japanese: "【模擬】自動車税 住所変更届",
            english: "car tax: change of address",
            fields: &["登録番号", "旧住所"],
        },
        Procedure {
            name: "national-tax",
            japanese: "【模擬】所得税 確定申告",
            english: "income tax return",
            fields: &["年分", "所得金額", "納める税金"],
        },
        Procedure {
            name: "pension-record",
            japanese: "【模擬】年金加入記録 照会",
            english: "pension record",
            fields: &["基礎年金番号"],
        },
        Procedure {
            name: "child-allowance",
            japanese: "【模擬】児童手当 認定請求",
            english: "child allowance",
            fields: &["児童の氏名", "児童の生年月日"],
        },
        Procedure {
            name: "health-insurance",
            japanese: "【模擬】国民健康保険 資格取得届",
            english: "national health insurance: entry",
            fields: &["取得年月日", "理由"],
        },
    ];

    /// The procedure of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|procedure| procedure.name == name)
    }

    /// Its form, to be filled in. (`pki::application::Form`)
    #[must_use]
    pub fn blank(&self) -> Value {
        let fields: Map<String, Value> = self.fields.iter().map(|field| ((*field).to_owned(), "".into())).collect();
        json!({ "procedure": self.japanese, "name": "", "address": "", "birth": "", "sex": "", "fields": fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Form;

    #[test]
    fn a_blank_form_filled_in_is_a_form() {
        for procedure in Procedure::ALL {
            assert_eq!(Procedure::by_name(procedure.name), Some(procedure));
            assert!(procedure.japanese.contains("模擬"), "nobody takes it for a real one");
            let mut form = procedure.blank();
            assert!(Form::parse(form.to_string().as_bytes()).is_err(), "nothing is filled in");
            for (field, value) in
                [("name", "試験　花子"), ("address", "模擬県試験市"), ("birth", "1980-02-17"), ("sex", "female")]
            {
                form[field] = value.into();
            }
            for field in procedure.fields {
                form["fields"][*field] = "1".into();
            }
            let form = Form::parse(form.to_string().as_bytes()).expect("a form");
            assert_eq!(form.procedure, procedure.japanese);
        }
    }
}
