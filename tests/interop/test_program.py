#!/usr/bin/python3
"""hearthd as a program: arguments, exit codes, configuration, one server per data directory."""
import os
import subprocess
import tempfile

from hearth import HEARTHD, Server, expect, run


def hearthd(*arguments, language="C"):
    return subprocess.run([HEARTHD, *arguments], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "LANG": language, "LC_ALL": language})


def it_says_what_it_is():
    done = hearthd("--version")
    expect(done.returncode == 0 and done.stdout.startswith("hearthd 0."), done.stdout)
    expect("XEP-0199" in hearthd("--features").stdout, "--features lists ping")
    expect("--data-dir" in hearthd("--help").stdout, "--help explains")


def wrong_arguments_are_exit_code_2():
    for arguments in (["--colour"], ["--data-dir"], ["serve"]):
        done = hearthd(*arguments)
        expect(done.returncode == 2, f"{arguments}: {done.returncode}")
        expect(done.stderr.startswith("hearthd: ") and arguments[0] in done.stderr, done.stderr)


def a_wrong_configuration_is_exit_code_1():
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("domains: [example.org]\n\nlimts:\n  stanza_bytes: 20000\n")
        file.flush()
        done = hearthd("-c", file.name, "--check-config")
        expect(done.returncode == 1, f"exit code {done.returncode}")
        expect(done.stderr == f'hearthd: {file.name}:4:3: unknown option "limts.stanza_bytes"; '
               'did you mean "limits.stanza_bytes"?\n', done.stderr)
        chinese = hearthd("-c", file.name, "--check-config", language="zh_CN.UTF-8")
        expect("未知选项" in chinese.stderr, chinese.stderr)
    done = hearthd("-c", "/nowhere.yaml")
    expect(done.returncode == 1 and "/nowhere.yaml" in done.stderr, done.stderr)


def the_sample_configuration_is_one():
    for language in ("C", "zh_CN.UTF-8"):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(hearthd("--sample-config", language=language).stdout)
            file.flush()
            done = hearthd("-c", file.name, "--check-config")
            expect(done.returncode == 0, done.stderr)
            expect("localhost" in done.stdout, done.stdout)


def names_that_scripts_rely_on_stay():
    sample = hearthd("--sample-config").stdout
    for line in ("listen:", "  #c2s:", "  #c2s_tls:", "tls:", "  #certificate:", "  #key:",
                 "  #required: yes", "#registration:", "#shards: 0", "  #stanza_bytes: 262144",
                 "  #preauth_seconds:"):
        expect(f"\n{line}" in sample, f"{line} is missing in the sample")


def a_data_directory_has_one_server():
    with Server() as server:
        second = hearthd("--data-dir", server.data, "--set", "listen.c2s=127.0.0.1:0", "--set",
                         "listen.c2s_tls=127.0.0.1:0", "--set", "listen.http=127.0.0.1:0",
                         "--set", "listen.https=127.0.0.1:0")
        expect(second.returncode == 1, f"exit code {second.returncode}")
        expect("another hearthd runs" in second.stderr, second.stderr)
        expect(os.stat(server.data).st_mode & 0o777 == 0o700, "the data directory is private")
        server.status()


def a_port_in_use_is_named():
    with Server() as server:
        taken = f"127.0.0.1:{server.port()}"
        with tempfile.TemporaryDirectory() as data:
            done = hearthd("--data-dir", data, "--set", f"listen.c2s={taken}")
            expect(done.returncode == 1 and taken in done.stderr, done.stderr)


run(it_says_what_it_is, wrong_arguments_are_exit_code_2, a_wrong_configuration_is_exit_code_1,
    the_sample_configuration_is_one, names_that_scripts_rely_on_stay,
    a_data_directory_has_one_server, a_port_in_use_is_named)
