#include "operator/runtime/fair_pool.h"

#include <gmock/gmock.h>

#include <latch>
#include <semaphore>

namespace penstock::runtime {
namespace {

using ::testing::ElementsAre;

void Throws(const std::string& what) { ADD_FAILURE() << what; }

TEST(FairPool, AGroupThatNeverEndsLeavesThreadsToTheOthers) {
  std::binary_semaphore hold(0);
  std::latch done(20);
  std::counting_semaphore<> begun(0);
  FairPool pool(4, 2, Throws);
  for (int i = 0; i < 200; ++i) {
    pool.Submit("storm", [&] {
      begun.release();
      hold.acquire();
      hold.release();
    });
  }
  begun.acquire();
  begun.acquire();
  for (int i = 0; i < 20; ++i) pool.Submit("calm-" + std::to_string(i), [&] { done.count_down(); });
  done.wait();
  EXPECT_FALSE(begun.try_acquire()) << "a third of the group's work began beside two";
  hold.release();
}

TEST(FairPool, GroupsTakeTurnsHoweverMuchOneHasWaiting) {
  std::binary_semaphore hold(0);
  std::latch done(9);
  std::vector<std::string> order;  // of one thread
  FairPool pool(1, 1, Throws);
  pool.Submit("first", [&] { hold.acquire(); });
  const auto submit = [&](const std::string& group, int times) {
    for (int i = 0; i < times; ++i) {
      pool.Submit(group, [&, group] {
        order.push_back(group);
        done.count_down();
      });
    }
  };
  submit("many", 6);
  submit("a", 2);
  submit("b", 1);
  hold.release();
  done.wait();
  EXPECT_THAT(order, ElementsAre("many", "a", "b", "many", "a", "many", "many", "many", "many"));
}

TEST(FairPool, WhatWaitsIsDroppedByAStopAndWhatRunsIsWaitedFor) {
  std::binary_semaphore begun(0);
  bool ended = false;
  bool second = false;
  {
    FairPool pool(1, 1, Throws);
    pool.Submit("a", [&] {
      begun.release();
      ended = true;
    });
    begun.acquire();
    pool.Stop();
    pool.Submit("a", [&] { second = true; });
  }
  EXPECT_TRUE(ended);
  EXPECT_FALSE(second);
}

TEST(FairPool, WorkThatThrowsIsToldAndItsGroupGoesOn) {
  std::latch done(1);
  std::string told;
  FairPool pool(1, 1, [&](const std::string& what) { told = what; });
  pool.Submit("a", [] { throw std::runtime_error("a bug"); });
  pool.Submit("a", [&] { done.count_down(); });
  done.wait();
  EXPECT_EQ(told, "a bug");
}

}  // namespace
}  // namespace penstock::runtime
