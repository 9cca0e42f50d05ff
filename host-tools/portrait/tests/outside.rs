//! Faces as other people's programs see them: pngcheck, a reader in Python, OpenJPEG, the fonts of Debian's package.

use portrait::{Face, Holder, bitmap::Bitmap, figure::Figure, jpeg2000, text};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use vectors::skipped;

/// What a program says on both streams; nothing, with a loud word, where it is missing.
fn said(program: &str, package: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(output.status.success(), "{program} {arguments:?}: {said}");
            Some(said)
        }
        Err(error) => {
            skipped(&format!("{program}: {error}; apt-get install {package}"));
            None
        }
    }
}

const HOLDERS: [(&str, &str, u8); 3] = [
    ("試験　花子", "模擬県試験市見本町一丁目２番３号", 46),
    ("𠮷見本　ＡＬＥＸ", "架空県雛形市例町１−２−３　Ｔｅｓｔ　Ｔｏｗｅｒ１２０３号室", 7),
    (
        "SHIKEN Y MIHON　ALEJANDRA MARIA DEL CARMEN",
        "仮想県標本市北区大字雛形字上１２３番地　試験見本第二サンプル団地東西南北連結棟",
        92,
    ),
];

fn face((name, address, age): (&str, &str, u8)) -> Face {
    portrait::face(&Holder { name, address, security_code: "2285", my_number: "000000000019", age, seed: 1 })
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("folder"))
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("writes");
        path.display().to_string()
    }
}

#[test]
fn pngcheck_finds_nothing() {
    let folder = Folder::new();
    for face in HOLDERS.map(face) {
        let lines = |png: &[u8]| png[23];
        let name_height = lines(&face.name);
        for (name, png, size) in [
            ("name", &face.name, format!("216x{name_height}")),
            ("address", &face.address, format!("288x{}", lines(&face.address))),
            ("code", &face.security_code, "24x12".into()),
            ("number", &face.my_number, "72x12".into()),
        ] {
            let path = folder.keep(name, png);
            let Some(said) = said("pngcheck", "pngcheck", &[&path]) else { return };
            let expected = format!("({size}, 1-bit grayscale, non-interlaced");
            assert!(said.starts_with("OK:") && said.contains(&expected), "{said}");
        }
    }
}

#[test]
fn pngcheck_accepts_the_figure() {
    let (name, address, age) = HOLDERS[0];
    let holder = Holder { name, address, security_code: "2285", my_number: "000000000019", age, seed: 1 };
    let folder = Folder::new();
    let path = folder.keep("photo.png", &portrait::photo_png(&holder));
    let Some(said) = said("pngcheck", "pngcheck", &[&path]) else { return };
    assert!(said.starts_with("OK:") && said.contains("(378x472, 8-bit grayscale, non-interlaced"), "{said}");
}

#[test]
fn another_reader_sees_every_point() {
    let folder = Folder::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unpack_png.py").display().to_string();
    let mut drawn: Vec<Bitmap> =
        HOLDERS.iter().map(|(name, address, _)| text::draw(&format!("{name}{address}"), 288, 9)).collect();
    drawn.push(text::draw("2285", 24, 1));
    drawn.push(text::draw("000000000019", 72, 1));
    drawn.push(Bitmap::new(7, 3));
    for bitmap in drawn {
        let path = folder.keep("picture.png", &bitmap.png());
        let Some(said) = said("python3", "python3", &[&script, &path]) else { return };
        let (header, points) = said.split_once('\n').expect("lines");
        assert_eq!(header, format!("{} {} 1 0 0 IHDR,IDAT,IEND", bitmap.width(), bitmap.height()));
        let row =
            |y| (0..bitmap.width()).map(|x| if bitmap.is_ink(x, y) { '#' } else { '.' }).collect::<String>() + "\n";
        assert_eq!(points, (0..bitmap.height()).map(row).collect::<String>());
    }
}

#[test]
fn openjpeg_sees_the_figure() {
    let folder = Folder::new();
    for (seed, age) in [(1, 5), (2, 30), (3, 70), (4, 101)] {
        let drawn = Figure::new(seed, age).draw();
        for (most, worst) in [(usize::MAX, 0.5), (portrait::PHOTO_MAX, 60.0)] {
            let path = folder.keep("photo.jp2", &jpeg2000::encode(&drawn, most));
            let Some(header) = said("opj_dump", "libopenjp2-tools", &["-i", &path]) else { return };
            for word in ["x1=378, y1=472", "numcomps=1", "prec=8", "sgnd=0", "tw=1, th=1", "numlayers=1", "qmfbid=0"] {
                assert!(header.contains(word), "{word}: {header}");
            }
            let raw = PathBuf::from(&path).with_extension("pgm").display().to_string();
            let Some(said) = said("opj_decompress", "libopenjp2-tools", &["-i", &path, "-o", &raw]) else { return };
            assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
            let raw = fs::read(&raw).expect("reads");
            let points = &raw[raw.len() - 378 * 472..];
            let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
            let error = drawn.points().iter().zip(points).map(square).sum::<f64>() / points.len() as f64;
            println!("seed {seed}, at most {most} bytes: mean square error {error:.2}");
            assert!(error < worst, "seed {seed}, {most}: {error}");
        }
    }
}

#[test]
fn the_font_is_the_packages() {
    let fonts = "/usr/share/fonts/X11/misc";
    if !Path::new(fonts).join("shnmk12.pcf.gz").exists() {
        return skipped("apt-get install xfonts-shinonome");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("font");
    let output = Command::new("python3").arg(folder.join("convert.py")).arg(fonts).output();
    let Ok(output) = output else { return skipped("apt-get install python3") };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == fs::read(folder.join("shinonome12.bin")).expect("reads"), "converted again it differs");
}
