// Who gets a lock, among all who hold it and ask for it.
#include "operator/plan/locks/lock_words.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LockUse Use(const std::string& by, std::vector<std::string> names, std::int64_t turn,
            bool held = false) {
  return {by, by, "", std::nullopt, std::move(names), turn, held};
}

std::vector<std::string> Served(const std::vector<LockUse>& uses,
                                const std::map<std::string, std::string>& sizes = {}) {
  std::vector<std::string> names;
  for (const LockUse* use : LockOrder(sizes).Serve(uses)) names.push_back(use->by);
  return names;
}

TEST(LockOrder, GivesAMutexToOneInTheOrderOfAsking) {
  EXPECT_THAT(Served({Use("c", {"db"}, 3), Use("a", {"db"}, 1), Use("b", {"db"}, 2)}),
              ElementsAre("a"));
  EXPECT_THAT(Served({Use("a", {"db"}, 1, true), Use("b", {"db"}, 2)}), IsEmpty());
  EXPECT_THAT(Served({Use("b", {"db"}, 1), Use("a", {"db"}, 1)}), ElementsAre("a"));
}

TEST(LockOrder, GivesAsManyPlacesAsTheConfigMapSays) {
  const std::vector<LockUse> uses{Use("a", {"gpu"}, 1, true), Use("b", {"gpu"}, 2),
                                  Use("c", {"gpu"}, 3), Use("d", {"gpu"}, 4)};
  EXPECT_THAT(Served(uses, {{"gpu", "3"}}), ElementsAre("b", "c"));
  EXPECT_THAT(Served(uses, {{"gpu", "3\n"}}), ElementsAre("b", "c"));
  EXPECT_THAT(Served(uses, {{"gpu", "0"}}), IsEmpty());
  EXPECT_THAT(Served(uses, {{"other", "3"}}), IsEmpty());
}

TEST(LockOrder, WaitsWhereTheSizeWasLoweredBelowThoseWhoHoldIt) {
  const std::vector<LockUse> uses{Use("a", {"gpu"}, 1, true), Use("b", {"gpu"}, 2, true),
                                  Use("c", {"gpu"}, 3)};
  EXPECT_THAT(Served(uses, {{"gpu", "1"}}), IsEmpty());
  EXPECT_THAT(Served(uses, {{"gpu", "3"}}), ElementsAre("c"));
}

TEST(LockOrder, GivesNothingWhereTheSizeIsNone) {
  for (const char* wrong : {"", "x", "-1", "1.5", "2 of them", "10001", "99999999999999999999"}) {
    const std::map<std::string, std::string> sizes{{"gpu", wrong}};
    EXPECT_THAT(Served({Use("a", {"gpu"}, 1)}, sizes), IsEmpty()) << wrong;
    EXPECT_THAT(LockSizeOf("gpu", sizes).wrong, HasSubstr("penstock-locks says '")) << wrong;
  }
}

TEST(LockOrder, GivesSeveralLocksAllAtOnceOrNone) {
  EXPECT_THAT(Served({Use("h", {"b"}, 1, true), Use("x", {"a", "b"}, 2)}), IsEmpty());
  EXPECT_THAT(Served({Use("x", {"a", "b"}, 2)}), ElementsAre("x"));
}

// x waits for b, and nobody overtakes it at a: else somebody could wait for ever.
TEST(LockOrder, LetsNobodyOvertakeWhoWaitsForTwo) {
  EXPECT_THAT(Served({Use("h", {"b"}, 1, true), Use("x", {"a", "b"}, 2), Use("y", {"a"}, 3)}),
              IsEmpty());
  // It waits at a, and holds back nobody at b.
  EXPECT_THAT(Served({Use("h", {"a"}, 1, true), Use("x", {"a", "b"}, 2), Use("y", {"b"}, 3)}),
              ElementsAre("y"));
}

TEST(LockOrder, HoldsBackNobodyForALockThatIsClosed) {
  for (const char* closed : {"0", "many"}) {
    EXPECT_THAT(Served({Use("x", {"a", "b"}, 1), Use("y", {"a"}, 2)}, {{"b", closed}}),
                ElementsAre("y"))
        << closed;
  }
}

TEST(LockOrder, PutsWhoAsksNowBehindAllOthers) {
  const std::map<std::string, std::string> sizes;
  LockOrder order(sizes);
  static_cast<void>(order.Serve({Use("a", {"db"}, 1)}));
  EXPECT_FALSE(order.ServeLast(Use("b", {"db"}, 2)));
  EXPECT_TRUE(order.ServeLast(Use("c", {"gpu"}, 3)));
}

// Runs that hold something and ask for more, in the order of the names: however it comes, somebody
// can always go on, and a lock never has more holders than places.
TEST(LockOrder, NeverStandsStillWhateverIsAskedUnderWhatIsHeld) {
  struct User {
    std::vector<std::vector<std::string>> stages;  // each behind the one before, by name
    std::size_t held = 0;                          // stages
    std::int64_t asked = 0;                        // turn; 0: does not ask
  };
  const std::string letters = "abcdef";
  const std::map<std::string, std::string> sizes{{"a", "2"}, {"c", "2"}, {"e", "3"}};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](std::size_t below) { return random() % below; };
    std::vector<User> users(8);
    for (User& user : users) {
      std::vector<std::string> stage;
      for (const char letter : letters) {
        if (pick(3) == 0) stage.emplace_back(1, letter);
        if (!stage.empty() && pick(2) == 0) user.stages.push_back(std::exchange(stage, {}));
      }
      if (!stage.empty()) user.stages.push_back(stage);
    }
    std::int64_t turn = 0;
    std::size_t ended = 0;
    for (int round = 0; ended < users.size(); ++round) {
      ASSERT_LT(round, 2'000) << "seed " << seed;
      bool moved = false;
      const std::size_t first = pick(users.size());
      for (std::size_t i = 0; i < users.size(); ++i) {
        User& user = users[(first + i) % users.size()];
        if (user.held > user.stages.size() || user.asked != 0) continue;
        moved = true;
        if (pick(2) == 0) continue;  // its pod goes on
        if (user.held < user.stages.size()) {
          user.asked = ++turn;
        } else {
          user.held = user.stages.size() + 1;  // over
          ++ended;
        }
      }
      std::vector<LockUse> uses;
      std::map<std::string, int> holders;
      for (std::size_t i = 0; i < users.size(); ++i) {
        const User& user = users[i];
        if (user.held > user.stages.size()) continue;
        for (std::size_t s = 0; s < user.held; ++s) {
          uses.push_back(Use(std::to_string(i), user.stages[s], 0, true));
          for (const std::string& name : user.stages[s]) ++holders[name];
        }
        if (user.asked != 0)
          uses.push_back(Use(std::to_string(i), user.stages[user.held], user.asked));
      }
      for (const auto& [name, count] : holders) ASSERT_LE(count, LockSizeOf(name, sizes).size);
      for (const LockUse* use : LockOrder(sizes).Serve(uses)) {
        User& user = users[std::stoul(use->by)];
        ++user.held;
        user.asked = 0;
        moved = true;
      }
      ASSERT_TRUE(moved || ended == users.size()) << "seed " << seed << " stands still";
    }
  }
}

}  // namespace
}  // namespace penstock::plan
