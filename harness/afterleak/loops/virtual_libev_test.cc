#include <gtest/gtest.h>

#include "tests/support/loops/libev.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Libev, VirtualLoop, Libev);

}  // namespace
}  // namespace afterleak::loops
