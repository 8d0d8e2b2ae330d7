"""A project that uses the library: its CMake and its test are the README's, its server leaks or does not."""

import re

from tests.helper import ROOT

SERVER = """#include "server.h"

#include "afterleak/afterleak.h"

using namespace afterleak;
using namespace std::chrono_literals;

void Serve() {
  Chan<int> requests = MakeChan<int>(0);
  Go([requests]() mutable {
    for (;;) {
      time::Sleep(1s);
      requests.Send(1);
    }
  });
  for (;;) {
    TURN
  }
}
"""
LEAKY = SERVER.replace("TURN", "Select({Recv(requests), Recv(time::After(30s))});")
FIXED = SERVER.replace("TURN", "time::ScopedTimer limit(30s); Select({Recv(requests), Recv(limit.C())});")
LEAKING_LINE = SERVER.splitlines().index("    TURN") + 1
COUNTS = """#include "afterleak/heap/heap.h"

int main() {
  static_assert(AFTERLEAK_VERSION_MAJOR >= 0);
  return afterleak::heap::Counting() ? 0 : 1;
}
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def block(language, word):
    (found,) = [text for text in blocks(language) if word in text]
    return found


CMAKE = block("cmake", "find_package(afterleak")
CLIENT = block("cpp", "async_wait")
CLIENT_TEST = block("cpp", "LeavesNothingBehind(")
FIND_PACKAGE = CMAKE.splitlines(keepends=True)[0]
assert "find_package(afterleak" in FIND_PACKAGE


def write(folder, get=FIND_PACKAGE, server=FIXED):
    """Makes the folder. get: the lines that make the targets known."""
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(server LANGUAGES CXX)\n" + CMAKE.replace(FIND_PACKAGE, get)
        + "add_executable(counts counts.cc)\ntarget_link_libraries(counts PRIVATE afterleak::heap_operators)\n"
          "add_test(NAME counts COMMAND counts)\n")
    (folder / "server.h").write_text("#pragma once\n\nvoid Serve();\n")
    (folder / "server.cc").write_text(server)
    (folder / "server_test.cc").write_text(block("cpp", "Serve();"))
    (folder / "counts.cc").write_text(COUNTS)


def write_client(folder):
    """A project on an event loop, whose code and CMake are the README's. Its test leaves a timer behind."""
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(client LANGUAGES CXX)\n" + FIND_PACKAGE
                                           + "set(CMAKE_CXX_FLAGS -g)\n" + block("cmake", "afterleak::loops_main"))
    (folder / "client.cc").write_text(CLIENT)
    (folder / "client_test.cc").write_text(CLIENT_TEST)
