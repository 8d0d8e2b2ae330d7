#include <gtest/gtest.h>

#include "afterleak/loops/virtual_loop_test.h"
#include "tests/support/loops/libevent.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, VirtualLoop, Libevent);

}  // namespace
}  // namespace afterleak::loops
