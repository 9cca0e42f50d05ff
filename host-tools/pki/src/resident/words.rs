//! What invented names and addresses are put together from. Nobody is called so, and no such place exists.

/// Stems of family names: each says that this is a test.
pub(super) const STEMS: [&str; 10] = ["試験", "見本", "模擬", "例示", "仮想", "検証", "雛形", "標本", "架空", "練習"];
/// What makes a stem look like a family name.
pub(super) const ENDINGS: [&str; 14] =
    ["", "山", "川", "田", "木", "崎", "野", "谷", "澤", "島", "原", "ヶ丘", "小路", "之宮"];
/// Characters before a stem: beyond the basic plane, and in it but outside JIS X 0208.
pub(super) const RARE: [&str; 6] = ["𠮷", "𣘺", "𩸽", "髙", "﨑", "德"];
/// Given names.
pub(super) const MALE: [&str; 14] =
    ["太郎", "一郎", "健", "翔", "蓮", "正", "清", "大輝", "悠真", "三郎", "龍之介", "勇", "𠮷雄", "左衛門"];
/// Given names.
pub(super) const FEMALE: [&str; 14] = [
    "花子",
    "葵",
    "陽菜",
    "さくら",
    "美咲",
    "幸子",
    "和子",
    "キヨ",
    "ハル",
    "千代",
    "ひまわり",
    "小百合",
    "𩸽美",
    "結衣",
];
/// Given names.
pub(super) const NEUTRAL: [&str; 8] = ["薫", "光", "凛", "忍", "真琴", "歩", "奏", "千尋"];
/// Names in Latin letters, as residents from abroad have them.
pub(super) const LATIN: [&str; 6] = [
    "SHIKEN　ALEX",
    "MIHON　MARIA",
    "TEST　KIM",
    "SAMPLE-SPECIMEN　JEAN CLAUDE",
    "ＳＡＭＰＬＥ　ＡＮＮＡ",
    "SHIKEN Y MIHON　ALEJANDRA MARIA DEL CARMEN",
];
/// A given name as long as one likes: the child of a story told for four hundred years.
pub(super) const JUGEMU: &str = "寿限無寿限無五劫の擦り切れ海砂利水魚の水行末雲来末風来末食う寝る処に住む処藪ら柑子の藪柑子\
    パイポパイポパイポのシューリンガンシューリンガンのグーリンダイグーリンダイのポンポコピーのポンポコナーの長久命の長助";

/// Prefectures.
pub(super) const PREFECTURES: [&str; 6] = ["模擬県", "架空県", "例示府", "仮想県", "試作都", "雛形道"];
/// Cities, wards, towns and villages.
pub(super) const MUNICIPALITIES: [&str; 8] =
    ["試験市", "雛形市", "標本市北区", "検証市", "練習郡仮町", "模型郡例村", "試験市中央区", "仮名市"];
/// Quarters.
pub(super) const QUARTERS: [&str; 8] =
    ["見本町", "例町", "仮台", "模型ヶ丘", "緑例台", "大字雛形字上", "試し書", "字サンプル"];
/// Numbers of blocks 丁目, if any.
pub(super) const CHOME: [&str; 8] = ["", "", "", "一丁目", "二丁目", "三丁目", "九丁目", "十二丁目"];
/// Houses with flats.
pub(super) const BUILDINGS: [&str; 6] =
    ["試験ハイツ", "見本第三団地", "コーポ・サンプル", "テストマンション弐番館", "Ｔｅｓｔ　Ｔｏｗｅｒ", "模擬荘"];
/// What long addresses go on with.
pub(super) const FURTHER: [&str; 8] = [
    "試験見本第二サンプル団地",
    "東西南北連結棟",
    "別館アネックス",
    "旧分校跡地模擬集合住宅",
    "長大住所確認用区画",
    "第九十九地割",
    "ロイヤルテストヒルズ・グランドサンプルレジデンス",
    "管理人室気付",
];
