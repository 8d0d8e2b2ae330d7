#!/usr/bin/env bash
# As root on a minimal Debian: installs the .deb files of this folder, runs the program, and tests the project in project/ with the
# library, by pkg-config and by CMake. Besides a compiler only what the packages depend on and what the README names is installed.
# shellcheck disable=SC2086  # flags are words
set -euxo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends ./*.deb g++ cmake make pkgconf

afterleak --version
afterleak run looping_select --for 10s
flags=$(pkg-config --cflags --libs afterleak_heap_operators)
g++ project/counts.cc -o counts $flags
./counts

apt-get install -y --no-install-recommends libgtest-dev libgmock-dev
flags=$(pkg-config --cflags --libs afterleak gmock_main)
g++ project/server.cc project/server_test.cc -o server_test $flags
./server_test
cmake -S project -B build
cmake --build build
ctest --test-dir build --output-on-failure --no-tests=error
