//! `jitsuin serve --firmware`, where there is no emulator. With one: `card-os/firmware/check`.

use crate::support::World;

#[test]
fn an_emulator_that_does_not_come_is_explained_and_the_card_is_as_it_was() {
    let world = World::new();
    let card = world.issue(&[]);
    let elf = world.file("firmware");
    std::fs::write(&elf, "no program").expect("writes");
    let elf = elf.display().to_string();
    let serve = |elf: &str, qemu: &str| world.run(&["serve", &card, "--firmware", elf, "--qemu", qemu]);
    serve("/nonexistent/elf", "false").failed(1, &["/nonexistent/elf", "card-os/firmware/build"]);
    serve(&elf, "/nonexistent/qemu").failed(1, &["/nonexistent/qemu", "card-os/firmware/toolchain"]);
    serve(&elf, "false").failed(1, &["the emulator ended"]);
    world.run(&["serve", &card, "--firmware", &elf, "--hostile", "short"]).failed(2, &["--hostile"]);
    world.run(&["check", &card]).succeeded();
}
