//! `jitsuin firmware` and `jitsuin serve --firmware`, where there is no emulator or no firmware. With both: `card-os/firmware/check`.

use crate::support::{World, binary, jitsuin, run};

#[test]
fn an_emulator_that_does_not_come_is_explained_and_the_card_is_as_it_was() {
    let world = World::new();
    let card = world.issue(&[]);
    let elf = world.file("firmware");
    std::fs::write(&elf, "no program").expect("writes");
    let elf = elf.display().to_string();
    let serve = |elf: &str, qemu: &str| world.run(&["serve", &card, "--firmware", elf, "--qemu", qemu]);
    serve("/nonexistent/elf", "false").failed(1, &["/nonexistent/elf", "jitsuin firmware build"]);
    serve(&elf, "/nonexistent/qemu").failed(1, &["/nonexistent/qemu", "card-os/firmware/toolchain"]);
    serve(&elf, "false").failed(1, &["the emulator ended"]);
    world.run(&["serve", &card, "--firmware", &elf, "--hostile", "short"]).failed(2, &["--hostile"]);
    let built_in = ["serve", &card, "--firmware", &elf, "--emulator", "built-in"];
    world.run(&built_in).failed(1, &["no firmware", "no ELF", "jitsuin firmware build"]);
    world.run(&["check", &card]).succeeded();
}

#[test]
fn what_is_no_firmware_is_explained() {
    let world = World::new();
    let elf = world.file("firmware");
    // An ELF of this processor.
    std::fs::copy(std::env::current_exe().expect("this test"), &elf).expect("copies");
    let elf = elf.display().to_string();
    for command in ["size", "bench"] {
        jitsuin(["firmware", command, &elf]).failed(1, &["no ELF for Arm"]);
        jitsuin(["firmware", command, "/nonexistent/elf"]).failed(1, &["/nonexistent/elf"]);
    }
    jitsuin(["firmware", "run", "--firmware", &elf, "00A4"]).failed(1, &["no ELF for Arm"]);
    jitsuin(["firmware", "size", "--budget", "x"]).failed(2, &["--check"]);
}

/// The variable may be set for other commands.
#[test]
fn a_qemu_in_the_environment_asks_for_no_firmware() {
    let world = World::new();
    let mut serve = binary();
    serve.env("JITSUIN_QEMU", "/nonexistent/qemu").arg("serve").arg(&world.path).arg("card-9999");
    run(&mut serve).failed(1, &["card-9999"]);
}
