// The checks in a test framework that is not GoogleTest.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <uv.h>

#include "afterleak/loops/leak_check.h"

namespace {

using afterleak::Inventory;
using afterleak::Verdict;

namespace loops = afterleak::loops;

uv_timer_t timer;

void Start() {
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 30'000, 0);
}
void Close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

TEST_CASE("a check is a plain function that fires and is silent") {
  const Inventory before = loops::Alive();
  Start();
  const Verdict left = loops::CheckLeftSince(before);
  CHECK_FALSE(left);
  CHECK(ToString(left).find("doctest_test.cc") != std::string::npos);
  Close();
  const Verdict none = loops::CheckLeftSince(before);
  CHECK_MESSAGE(none, ToString(none));
}

TEST_CASE("work is judged") {
  const Verdict verdict = loops::CheckLeftBehind([] { Start(), Close(); }, {.calls = 10});
  CHECK_MESSAGE(verdict, ToString(verdict));
  CHECK_FALSE(loops::CheckLeftBehind([] {}));
}

TEST_CASE("a program that does not count the heap is told how to") {
  const Verdict verdict = loops::CheckLeftBehind([] {}, {.heap = afterleak::HeapCheck::kRequired});
  CHECK(verdict.unfounded == "the heap is not counted: link afterleak::heap_operators");
}

}  // namespace
