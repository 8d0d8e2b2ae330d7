#include <gtest/gtest.h>

#include "afterleak/loops/virtual_loop_test.h"
#include "tests/support/loops/sd_event.h"

namespace afterleak::loops {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(SdEvent, VirtualLoop, SdEvent);

}  // namespace
}  // namespace afterleak::loops
