#include <gtest/gtest.h>

#include <ctime>

timer_t Ask();
void Answered(timer_t limit);

TEST(Client, EndsWithItsAnswer) { Answered(Ask()); }
