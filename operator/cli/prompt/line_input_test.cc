#include "operator/cli/prompt/line_input.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace penstock::cli {
namespace {

class LineInputTest : public testing::Test {
 protected:
  LineInputTest() { EXPECT_EQ(pipe(ends_), 0); }
  ~LineInputTest() override {
    close(ends_[0]);
    Close();
  }
  void Type(const std::string& text) {
    ASSERT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  int ends_[2] = {-1, -1};
  const std::function<bool()> always_ = [] { return true; };
};

TEST_F(LineInputTest, GivesLineByLineWhatWasTypedAtOnce) {
  LineInput input(ends_[0]);
  Type("yes\nto");
  EXPECT_EQ(input.Read(always_).value(), "yes");
  Type("morrow\n\nlast");
  EXPECT_EQ(input.Read(always_).value(), "tomorrow");
  EXPECT_EQ(input.Read(always_).value(), "");
  Close();
  EXPECT_EQ(input.Read(always_).value(), "last");
  EXPECT_EQ(input.Read(always_).error().kind, ErrorKind::kNotFound);
}

TEST_F(LineInputTest, EndsTheWaitWhenTheLineIsWantedNoMoreAndKeepsWhatWasTyped) {
  LineInput input(ends_[0]);
  Type("ye");
  int looks = 0;
  const auto line = input.Read([&] { return ++looks < 3; });
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(looks, 3);
  Type("s\n");
  EXPECT_EQ(input.Read(always_).value(), "yes");
}

}  // namespace
}  // namespace penstock::cli
