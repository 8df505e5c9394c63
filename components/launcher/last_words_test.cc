// Standard error that somebody reads, late or never.
#include "components/launcher/last_words.h"

#include <fcntl.h>

#include <array>
#include <thread>

#include "components/launcher/testing/launcher_fixture.h"

namespace penstock::launcher {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    out = Fd(ends[0]);
    in = ends[1];  // stays open: a thread may write to it for ever
  }
  [[nodiscard]] std::string Read(std::size_t most) const {
    std::string text(most, '\0');
    const ssize_t n = ::read(out.get(), text.data(), most);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }
  Fd out;
  int in = -1;
};

TEST_F(LauncherTest, EndsWithItsMessageThoughNobodyReadsItsStandardError) {
  const Pipe stuck;
  TaskDocument task =
      Script("head -c 300000 /dev/zero | tr '\\0' x >&2; echo ' KeyError' >&2; exit 3");
  WriteTask(task);
  ChildOptions options{RunArgs(), env_};
  options.error = stuck.in;
  const auto start = std::chrono::steady_clock::now();
  auto launcher = ChildProcess::Start(options);
  ASSERT_TRUE(launcher) << launcher.error().message;
  const auto exit = launcher->Wait(std::chrono::seconds(30));
  ASSERT_TRUE(exit) << "it waits for a reader";
  exit_code_ = exit->ExitCode();
  EXPECT_EQ(exit_code_, 3);
  EXPECT_TRUE(Message().last_words.ends_with("x KeyError")) << Message().last_words;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(ErrorStream, SaysHowMuchWasDroppedWhereAReaderGoesOn) {
  const Pipe slow;
  auto stream =
      ErrorStream::Open(slow.in, {std::chrono::milliseconds(1), std::chrono::seconds(30)});
  ASSERT_TRUE(stream);
  const Fd child(::dup((*stream)->child_end()));
  (*stream)->Start();
  const std::string line(1023, 'x');
  for (int i = 0; i < 1024; ++i)  // more than a pipe and the queue hold: some are dropped
    ASSERT_EQ(::write(child.get(), (line + "\n").data(), 1024), 1024);
  std::string seen;
  while (seen.find("are missing here: nobody took them") == std::string::npos) {
    seen += slow.Read(64 * 1024);
    ASSERT_EQ(::write(child.get(), "more\n", 5), 5);
    ASSERT_LT(seen.size(), 2u << 20) << "nothing was said of it";
  }
  EXPECT_NE(seen.find("bytes of standard error are missing here"), std::string::npos);
  ASSERT_EQ(::write(child.get(), "the end\n", 8), 8);
  std::thread reader([&] {
    while (seen.find("the end") == std::string::npos) seen += slow.Read(64 * 1024);
  });
  EXPECT_TRUE((*stream)->Finish().ends_with("the end"));
  reader.join();
  EXPECT_TRUE(seen.ends_with("the end\n"));
}

}  // namespace
}  // namespace penstock::launcher
