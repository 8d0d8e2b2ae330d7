// A program in which the functions of the C library do not come to us: a bubble says so, in place
// of a clock that does not move.
#include <cstdio>

#include "afterleak/loops/loop_bubble.h"

int main() {
  try {
    const afterleak::loops::LoopBubble bubble;
    std::puts("there is a bubble");
  } catch (const afterleak::loops::Stuck& stuck) {
    std::puts(stuck.what());
  }
}
