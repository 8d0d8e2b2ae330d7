#include <glib.h>
#include <gtest/gtest.h>

guint Ask();
void Answered(guint limit);

TEST(Client, EndsWithItsAnswer) {
  Answered(Ask());
  g_main_context_iteration(nullptr, FALSE);
}
