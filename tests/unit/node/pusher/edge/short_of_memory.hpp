#pragma once

#include <atomic>
#include <cstddef>

/// A program that links short_of_memory.cpp has an operator new that can be told to have no memory.
namespace tulle::node::testing {

inline constexpr std::size_t kLarge = 300'000;  ///< bytes from which on an allocation is a large one
inline constexpr int kAll = 1'000'000;

extern std::atomic<int> large_ones;  ///< that are granted yet; further ones throw std::bad_alloc
extern thread_local bool is_spared;  ///< this thread is granted all

}  // namespace tulle::node::testing
