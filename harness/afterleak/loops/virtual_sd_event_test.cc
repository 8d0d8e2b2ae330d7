#include <gtest/gtest.h>

#include "tests/support/loops/sd_event.h"
#include "tests/support/loops/virtual_loop_tests.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(SdEvent, VirtualLoop, SdEvent);

}  // namespace
}  // namespace afterleak::loops
