#include <gtest/gtest.h>

#include "afterleak/loops/virtual_loop_test.h"
#include "tests/support/loops/glib.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Glib, VirtualLoop, Glib);

}  // namespace
}  // namespace afterleak::loops
