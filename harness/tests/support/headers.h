// What nearly every test program reads, and the compiler reads once for all of them: afterleak_test
// in harness/CMakeLists.txt. No file includes it, and none may rely on it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/testing.h"
#include "tests/support/test_bubble.h"
