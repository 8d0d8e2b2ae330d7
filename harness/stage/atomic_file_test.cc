#include "stage/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <locale>
#include <string>
#include <thread>
#include <vector>

namespace {
bool close_fails = false;
}  // namespace

// Replaces libc's close, because no ordinary file system fails there.
extern "C" int close(int descriptor) {
  const long result = syscall(SYS_close, descriptor);
  if (!close_fails) return static_cast<int>(result);
  errno = EIO;
  return -1;
}

namespace afterleak {
namespace {

namespace fs = std::filesystem;

std::string ContentOf(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAtomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

std::string ErrorOf(const std::function<void()>& action) {
  try {
    action();
    return "no error";
  } catch (const FileError& error) {
    return error.what();
  }
}

// Takes root's permissions away for a while. Every test that writes under /dev needs it: with a
// bug, the code would rename a file over the machine's /dev/null.
class AsNobody {
 public:
  AsNobody() {
    if (user_ == 0 && seteuid(65534) != 0) std::abort();
  }
  ~AsNobody() {
    if (seteuid(user_) != 0) std::abort();
  }

 private:
  const uid_t user_ = geteuid();
};

// Runs each test in a new folder, which is the working directory.
class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "atomic_file_test.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    before_ = fs::current_path();
    fs::current_path(folder_);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(".")) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  using List = std::vector<std::string>;

 private:
  fs::path folder_;
  fs::path before_;
};

TEST_F(AtomicFileTest, NothingIsThereBeforeCommitAndAllAfter) {
  AtomicFile file("a.csv");
  file.stream() << "seconds,live\n" << 30 << ',' << 11 << '\n';
  file.Write("60,11\n");
  file.stream().flush();
  EXPECT_EQ(Names(), List{});
  file.Commit();
  EXPECT_EQ(Names(), List{"a.csv"});
  EXPECT_EQ(ContentOf("a.csv"), "seconds,live\n30,11\n60,11\n");
}

TEST_F(AtomicFileTest, WithoutCommitTheOldFileStays) {
  WriteAtomically("a.csv", "old");
  {
    AtomicFile("a.csv").Write("new");
  }
  EXPECT_EQ(ContentOf("a.csv"), "old");
  EXPECT_EQ(Names(), List{"a.csv"});
}

TEST_F(AtomicFileTest, ReplacesByRenameSoThatAReaderKeepsTheOldFile) {
  WriteAtomically("a.csv", "a longer old text");
  std::ifstream reader("a.csv");
  WriteAtomically("a.csv", "new");
  EXPECT_EQ(ContentOf("a.csv"), "new");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "a longer old text");
  EXPECT_EQ(Names(), List{"a.csv"});
}

TEST_F(AtomicFileTest, KnowsTheSameFileByEverySpelling) {
  WriteAtomically("there", "old");
  WriteAtomically("other", "old");
  fs::create_directory_symlink(".", "alias");
  fs::create_symlink("new", "dangling");
  fs::create_symlink("there", "link");
  const auto same = [](const char* a, const char* b) {
    const AtomicFile one(a);
    const AtomicFile other(b);
    EXPECT_EQ(one.IsSameAs(other), other.IsSameAs(one));
    return one.IsSameAs(other);
  };
  EXPECT_TRUE(same("there", "./there"));
  EXPECT_TRUE(same("there", "link"));
  EXPECT_TRUE(same("new", "alias/./new"));
  EXPECT_TRUE(same("new", (fs::current_path() / "dangling").c_str()));
  EXPECT_TRUE(same("/dev/null", "/dev/../dev/null"));
  EXPECT_TRUE(same("/dev/stderr", "/dev/fd/2"));
  EXPECT_FALSE(same("there", "other"));
  EXPECT_FALSE(same("there", "new"));
  EXPECT_FALSE(same("new", "newer"));
  EXPECT_FALSE(same("/dev/null", "/dev/full"));
  fs::create_directory("folder");
  EXPECT_FALSE(same("new", "folder/new"));
}

TEST_F(AtomicFileTest, KnowsWhatADescriptorIsOpenOn) {
  WriteAtomically("a.csv", "old");
  const int descriptor = open("a.csv", O_WRONLY);
  EXPECT_TRUE(AtomicFile("a.csv").Replaces(descriptor));
  EXPECT_FALSE(AtomicFile("b.csv").Replaces(descriptor));
  EXPECT_FALSE(AtomicFile("/dev/fd/" + std::to_string(descriptor)).Replaces(descriptor));
  EXPECT_TRUE(AtomicFile("/dev/fd/" + std::to_string(descriptor)).IsDescriptor(descriptor));
  EXPECT_FALSE(AtomicFile("a.csv").IsDescriptor(descriptor));
  close(descriptor);
}

TEST(WriteAllTest, WaitsForRoomInAPipeThatDoesNotBlock) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const std::string text(1 << 20, 'x');  // more than a pipe holds
  std::size_t read_bytes = 0;
  std::thread reader([&] {
    std::string part(1 << 16, ' ');
    for (;;) {
      const ssize_t got = read(ends[0], part.data(), part.size());
      if (got == 0) return;
      if (got > 0) read_bytes += static_cast<std::size_t>(got);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(WriteAll(ends[1], text), 0);
  close(ends[1]);
  reader.join();
  EXPECT_EQ(read_bytes, text.size());
  close(ends[0]);
  EXPECT_EQ(WriteAll(ends[1], text), EBADF);
}

TEST_F(AtomicFileTest, AKillLeavesNothingBehind) {
  const pid_t child = fork();
  if (child == 0) {
    ErrorOf([] {
      AtomicFile file("a.csv");
      file.Write(std::string(1 << 20, 'x'));
      raise(SIGKILL);
    });
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(Names(), List{});
}

TEST_F(AtomicFileTest, PassesByATemporaryThatAKilledRunLeft) {
  const std::string name = ".afterleak-" + std::to_string(getpid()) + "-0.tmp";
  std::ofstream(name) << "stale";
  WriteAtomically("a.csv", "new");
  EXPECT_EQ(ContentOf("a.csv"), "new");
  EXPECT_EQ(ContentOf(name), "stale");
}

TEST_F(AtomicFileTest, KeepsTheModeOfTheFileOrObeysTheUmask) {
  const auto mode_of = [](const char* path) {
    struct stat status;
    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
  };
  const mode_t old = umask(027);
  WriteAtomically("new.csv", "");
  WriteAtomically("kept.csv", "");
  ASSERT_EQ(chmod("kept.csv", 0606), 0);
  WriteAtomically("kept.csv", "");
  umask(old);
  EXPECT_EQ(mode_of("new.csv"), 0640u);
  EXPECT_EQ(mode_of("kept.csv"), 0606u);
}

TEST_F(AtomicFileTest, FollowsLinksAndKeepsThem) {
  fs::create_directory("sub");
  fs::create_symlink("second", "first");
  fs::create_symlink("sub/a.csv", "second");
  WriteAtomically("first", "made through a dangling link");
  EXPECT_EQ(ContentOf("sub/a.csv"), "made through a dangling link");
  WriteAtomically("first", "replaced");
  EXPECT_EQ(ContentOf("sub/a.csv"), "replaced");
  EXPECT_TRUE(fs::is_symlink("first") && fs::is_symlink("second"));
  EXPECT_FALSE(fs::is_symlink("sub/a.csv"));

  // A relative link starts at the folder that holds it.
  fs::create_symlink("b.csv", "sub/link");
  WriteAtomically("sub/link", "text");
  EXPECT_EQ(ContentOf("sub/b.csv"), "text");
}

TEST_F(AtomicFileTest, RefusesAsManyLinksAsTheKernelRefuses) {
  const std::string error = ": Too many levels of symbolic links; name a file that can be written";
  fs::create_symlink("loop", "loop");
  EXPECT_EQ(ErrorOf([] { AtomicFile("loop"); }), R"("loop")" + error);
  for (int i = 1; i <= 41; ++i) fs::create_symlink(std::to_string(i - 1), std::to_string(i));
  EXPECT_EQ(ErrorOf([] { AtomicFile("41"); }), R"("41")" + error);
  EXPECT_EQ(ErrorOf([] { AtomicFile("40"); }), "no error");
}

TEST_F(AtomicFileTest, AllowsTheLongestName) {
  const std::string name(255, 'n');
  WriteAtomically(name, "text");
  EXPECT_EQ(ContentOf(name), "text");
  EXPECT_NE(ErrorOf([&] { AtomicFile(name + "n"); }).find("File name too long"), std::string::npos);
}

TEST_F(AtomicFileTest, RefusesAtOnceWhatCannotBeWritten) {
  fs::create_directory("folder");
  std::ofstream("file") << "text";
  fs::create_symlink("none/a.csv", "link");
  const struct {
    const char* path;
    const char* want;
  } kCases[] = {
      {"out/a.csv", R"("out/a.csv": No such file or directory; make the folder "out" first)"},
      {"link", R"("link": No such file or directory; make the folder "none" first)"},
      {"", R"("": No such file or directory; name a file)"},
      {"folder", R"("folder": Is a directory; name a file in it)"},
      {"none/", R"("none/": Is a directory; name a file in it)"},
      {"file/a", R"("file/a": Not a directory; name a file that can be written)"},
      {"a\nb/c", R"("a\nb/c": No such file or directory; make the folder "a\nb" first)"},
      {"/proc/x", R"("/proc/x": No such file or directory; name a file that can be written)"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(ErrorOf([&] { AtomicFile file(test.path); }), test.want);
  }
  EXPECT_EQ(Names(), (List{"file", "folder", "link"}));
}

TEST_F(AtomicFileTest, RefusesAtOnceWhatPermissionsForbid) {
  fs::create_directory("folder");
  std::ofstream("file") << "text";
  ASSERT_EQ(chmod(".", 0777), 0);
  ASSERT_EQ(chmod("folder", 0555), 0);
  ASSERT_EQ(chmod("file", 0444), 0);
  std::string folder_error;
  std::string file_error;
  {
    AsNobody nobody;
    folder_error = ErrorOf([] { AtomicFile("folder/a.csv"); });
    file_error = ErrorOf([] { AtomicFile("file"); });
  }
  EXPECT_EQ(folder_error, R"("folder/a.csv": Permission denied; name a file that can be written)");
  EXPECT_EQ(file_error, R"("file": Permission denied; name a file that can be written)");
}

TEST_F(AtomicFileTest, AFullDeviceIsAnErrorAndStaysADevice) {
  AsNobody nobody;
  const std::string full = R"("/dev/full": No space left on device; )"
                           "make room, or write to another disk";
  EXPECT_EQ(ErrorOf([] { WriteAtomically("/dev/full", "text"); }), full);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(ErrorOf([] { WriteAtomically("/dev/null", "text"); }), "no error");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

// A limit on the file size simulates the full disk: the first write is cut short, the
// next one fails.
TEST_F(AtomicFileTest, ADiskThatFillsUpLeavesTheOldFile) {
  WriteAtomically("a.csv", "old");
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small = {4096, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string fits = ErrorOf([] { WriteAtomically("b.csv", std::string(4096, 'x')); });
  const std::string error = ErrorOf([] { WriteAtomically("a.csv", std::string(4097, 'x')); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fits, "no error");
  EXPECT_EQ(error, R"("a.csv": File too large; name a file that can be written)");
  EXPECT_EQ(ContentOf("a.csv"), "old");
  EXPECT_EQ(Names(), (List{"a.csv", "b.csv"}));
}

TEST_F(AtomicFileTest, AnErrorAtCloseLeavesTheOldFile) {
  WriteAtomically("a.csv", "old");
  AtomicFile file("a.csv");
  file.Write("new");
  close_fails = true;
  const std::string error = ErrorOf([&] { file.Commit(); });
  close_fails = false;
  EXPECT_EQ(error, R"("a.csv": Input/output error; name a file that can be written)");
  EXPECT_EQ(ContentOf("a.csv"), "old");
  EXPECT_EQ(Names(), List{"a.csv"});
}

TEST_F(AtomicFileTest, AFailedRenameLeavesNoTemporary) {
  AtomicFile file("a.csv");
  fs::create_directory("a.csv");
  EXPECT_EQ(ErrorOf([&] { file.Commit(); }), R"("a.csv": Is a directory; name a file in it)");
  EXPECT_EQ(Names(), List{"a.csv"});
}

TEST_F(AtomicFileTest, TextThatTheStreamLostIsAnError) {
  AtomicFile file("a.csv");
  file.stream() << static_cast<const char*>(nullptr);
  EXPECT_EQ(ErrorOf([&] { file.Commit(); }),
            R"("a.csv": Cannot allocate memory; name a file that can be written)");
  EXPECT_EQ(Names(), List{});
}

TEST_F(AtomicFileTest, WritesAFifoInPlaceAndOnlyAtCommit) {
  ASSERT_EQ(mkfifo("fifo", 0600), 0);
  const int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  char buffer[16];
  {
    AtomicFile file("fifo");
    file.Write("text");
    EXPECT_EQ(read(reader, buffer, sizeof buffer), 0);
    file.Commit();
  }
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(read(reader, buffer, sizeof buffer))),
            "text");
  close(reader);
  EXPECT_TRUE(fs::is_fifo("fifo"));
}

// `program --csv /dev/stdout > all.txt` must continue in all.txt where the program had got to.
TEST_F(AtomicFileTest, OffersAReaderWhatItHasRoomFor) {
  ASSERT_EQ(mkfifo("fifo", 0600), 0);
  const std::string text(100'000, 'x');
  std::string got(text.size() + 3, '\0');
  {
    AtomicFile file("fifo");
    file.Write("1");
    file.Offer();  // nobody reads
    const int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    EXPECT_EQ(read(reader, got.data(), 1), 0);  // nor is there a writer
    file.Write("2");
    file.Offer();
    EXPECT_EQ(read(reader, got.data(), got.size()), 2);
    file.Write(text);
    file.Offer();  // more than a pipe takes
    std::size_t size = 2;
    const auto take = [&] {
      const ssize_t more = read(reader, got.data() + size, got.size() - size);
      size += static_cast<std::size_t>(std::max(more, ssize_t{0}));
      return more;
    };
    while (take() > 0) continue;
    EXPECT_GT(size, 4096u);
    EXPECT_LT(size, text.size());
    file.Write("3");
    file.Commit();
    while (take() > 0) continue;
    EXPECT_TRUE(got == "12" + text + "3");
    close(reader);
  }
}

TEST_F(AtomicFileTest, OffersNothingToAReaderThatIsGone) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  ASSERT_EQ(mkfifo("fifo", 0600), 0);
  AtomicFile file("fifo");
  const int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  file.Write("1");
  file.Offer();
  close(reader);
  file.Write("2");
  EXPECT_EQ(ErrorOf([&] { file.Offer(); }),
            "\"fifo\": Broken pipe; name a file that can be written");
  EXPECT_NE(ErrorOf([&] { file.Commit(); }), "no error");
  std::signal(SIGPIPE, before);
}

TEST_F(AtomicFileTest, WritesAnOpenDescriptorWhereItStands) {
  const int out = open("all.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  fs::create_symlink("/dev/fd/" + std::to_string(out), "link");
  ASSERT_EQ(write(out, "one ", 4), 4);
  WriteAtomically("/dev/fd/" + std::to_string(out), "two ");
  WriteAtomically("link", "three ");
  ASSERT_EQ(write(out, "four", 4), 4);
  close(out);
  EXPECT_EQ(ContentOf("all.txt"), "one two three four");
  EXPECT_EQ(ErrorOf([] { AtomicFile("/dev/fd/999"); }),
            R"("/dev/fd/999": Bad file descriptor; name a file that can be written)");
  const int in = open("all.txt", O_RDONLY | O_CLOEXEC);
  EXPECT_NE(ErrorOf([&] { AtomicFile("/proc/self/fd/" + std::to_string(in)); }), "no error");
  close(in);
}

TEST_F(AtomicFileTest, NumbersDoNotDependOnTheLocale) {
  struct Grouped : std::numpunct<char> {
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale({}, new Grouped));
  AtomicFile file("a.csv");
  file.stream() << 330000;
  file.Commit();
  std::locale::global(before);
  EXPECT_EQ(ContentOf("a.csv"), "330000");
}

TEST_F(AtomicFileTest, LeaksNoDescriptors) {
  const auto open_descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_descriptors();
  WriteAtomically("a.csv", "text");
  {
    AsNobody nobody;
    WriteAtomically("/dev/fd/1", "");
    WriteAtomically("/dev/null", "text");
    ErrorOf([] { WriteAtomically("/dev/full", "text"); });
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace afterleak
