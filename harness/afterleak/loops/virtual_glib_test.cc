#include <gtest/gtest.h>

#include "tests/support/loops/glib.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Glib, VirtualLoop, Glib);

}  // namespace
}  // namespace afterleak::loops
