// Everything that a program written in the style of Go needs.
#pragma once

#include "afterleak/bubble/bubble.h"   // Bubble, Go
#include "afterleak/bubble/explore.h"  // Explore
#include "afterleak/go/chan.h"         // Chan, MakeChan
#include "afterleak/go/context.h"      // context::WithTimeout
#include "afterleak/go/defer.h"        // Defer
#include "afterleak/go/select.h"       // Select, Recv, Send, Default
#include "afterleak/go/signal.h"       // signal::Notify
#include "afterleak/go/time.h"         // time::After, NewTimer
