#include <gtest/gtest.h>

#include "tests/support/loops/qt.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(QtOnUnix, VirtualLoop, QtLoop<false>);
INSTANTIATE_TYPED_TEST_SUITE_P(QtOnGlib, VirtualLoop, QtLoop<true>);

}  // namespace
}  // namespace afterleak::loops
