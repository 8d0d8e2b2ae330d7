#include "afterleak/loops/interpose.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <string>

namespace {

using afterleak::loops::internal::FindNext;
using afterleak::loops::internal::Module;

// A library that comes with the C library, and that no program needs.
constexpr char kLibrary[] = "libnss_compat.so.2";

TEST(FindNext, FindsWhatIsInNobodysScopeAndNothingThatIsNotLoaded) {
  EXPECT_EQ(FindNext("_nss_compat_setpwent", nullptr), nullptr);
  void* const library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const void* const caller = dlsym(library, "_nss_compat_endpwent");
  ASSERT_NE(caller, nullptr);
  const int on_the_stack = 0;
  const void* const ours = reinterpret_cast<const void*>(&FindNext);
  for (const void* const from :
       std::initializer_list<const void*>{caller, nullptr, &on_the_stack, ours}) {
    EXPECT_EQ(FindNext("_nss_compat_setpwent", from), dlsym(library, "_nss_compat_setpwent"));
    EXPECT_EQ(FindNext("of no library", from), nullptr);
  }
  dlclose(library);
  EXPECT_EQ(dlopen(kLibrary, RTLD_LAZY | RTLD_NOLOAD), nullptr) << "it is kept loaded";
}

// A copy is another library of the same functions, as of two plug-ins that each bring theirs along.
TEST(FindNext, IsThatOfTheCaller) {
  void* const library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const link_map* map = nullptr;
  ASSERT_EQ(dlinfo(library, RTLD_DI_LINKMAP, &map), 0) << dlerror();
  std::string copy = testing::TempDir() + "copyXXXXXX";
  close(mkstemp(copy.data()));
  std::filesystem::copy_file(map->l_name, copy, std::filesystem::copy_options::overwrite_existing);
  void* const another = dlopen(copy.c_str(), RTLD_LAZY | RTLD_LOCAL);
  ASSERT_NE(another, nullptr) << dlerror();
  for (void* const plug_in : {library, another}) {
    EXPECT_EQ(FindNext("_nss_compat_setpwent", dlsym(plug_in, "_nss_compat_endpwent")),
              dlsym(plug_in, "_nss_compat_setpwent"));
  }
  for (void* const plug_in : {library, another}) dlclose(plug_in);
  std::filesystem::remove(copy);
}

#if defined(__x86_64__)
// Code that is never run: where each kind of call returns to.
asm(R"(
  .text
  .globl afterleak_test_by_name, afterleak_test_far, afterleak_test_no_plt, afterleak_test_pointer
  nop; call afterleak_test_by_name
afterleak_test_by_name:
  nop; .byte 0xE8, 0, 0, 0, 0x70
afterleak_test_far:
  call *0(%rip)
afterleak_test_no_plt:
  nop; nop; nop; call *0x15(%rax)
afterleak_test_pointer:
  nop
)");
extern "C" const char afterleak_test_by_name, afterleak_test_far, afterleak_test_no_plt,
    afterleak_test_pointer;

TEST(Module, TellsACallByNameFromOneThroughAPointer) {
  const Module program(&afterleak_test_by_name);
  EXPECT_TRUE(program.CallsByName(&afterleak_test_by_name));
  EXPECT_TRUE(program.CallsByName(&afterleak_test_no_plt));
  EXPECT_FALSE(program.CallsByName(&afterleak_test_far)) << "the end of another instruction";
  EXPECT_FALSE(program.CallsByName(&afterleak_test_pointer));
  EXPECT_FALSE(program.CallsByName(dlsym(RTLD_DEFAULT, "malloc"))) << "in another library";
}
#endif

}  // namespace
