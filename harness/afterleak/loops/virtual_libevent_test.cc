#include <gtest/gtest.h>

#include "tests/support/loops/libevent.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, VirtualLoop, Libevent);

}  // namespace
}  // namespace afterleak::loops
