// A test's word that a text holds another.
#pragma once

#include <gtest/gtest.h>

#include <string>

#define EXPECT_SAYS(text, part)                                                                \
  do {                                                                                         \
    const std::string expect_says_text = (text);                                               \
    EXPECT_NE(expect_says_text.find(part), std::string::npos) << "said: " << expect_says_text; \
  } while (false)
