#include <gtest/gtest.h>

#include "afterleak/loops/virtual_loop_test.h"
#include "tests/support/loops/asio.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Asio, VirtualLoop, Asio);

}  // namespace
}  // namespace afterleak::loops
