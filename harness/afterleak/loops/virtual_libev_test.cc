#include <gtest/gtest.h>

#include "afterleak/loops/virtual_loop_test.h"
#include "tests/support/loops/libev.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Libev, VirtualLoop, Libev);

}  // namespace
}  // namespace afterleak::loops
