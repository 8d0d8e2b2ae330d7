#include "bench/timer_queue/libevent.h"

int main(int argc, char** argv) { return bench::Main<bench::Libevent<true>>(argc, argv); }
