#include <gtest/gtest.h>

#include "tests/support/loops/asio.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Asio, VirtualLoop, Asio);

}  // namespace
}  // namespace afterleak::loops
