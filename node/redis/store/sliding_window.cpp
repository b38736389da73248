#include "node/redis/store/sliding_window.hpp"

#include <algorithm>
#include <cstddef>

#include "mesh/base/assert.hpp"
#include "mesh/base/bytes.hpp"

namespace tulle::node::redis {
namespace {

// A packed window: the mark, the number of slots, then of each slot and of each hit two numbers. A number has 8 bytes,
// the lowest first.

/// Begins a packed window, so that no other value is taken for one.
constexpr std::string_view kWindowMark = "\x01tullew1";
constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kEntryBytes = 2 * kNumberBytes;
constexpr std::size_t kWindowHeadBytes = kWindowMark.size() + kNumberBytes;
static_assert(kWindowHeadBytes + (kMaxWindowSlots + kMaxWindowHits) * kEntryBytes <= kMaxWindowBytes);
static_assert(kKeptWindowHits < kMaxWindowHits);
/// Hits that a slot counts, far more than can come: all slots together are summed up without an overflow.
constexpr std::uint64_t kMaxSlotHits = std::uint64_t{1} << 40;

void put_number(std::string& out, std::uint64_t number) {
    for (std::size_t i = 0; i < kNumberBytes; ++i) {
        out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
    }
}

/// REQUIRES: the number's bytes are there.
std::uint64_t number_at(std::string_view bytes, std::size_t place) {
    TULLE_ASSERT(place + kNumberBytes <= bytes.size());
    std::uint64_t number = 0;
    for (std::size_t i = kNumberBytes; i-- > 0;) {
        number = number << 8 | static_cast<unsigned char>(bytes[place + i]);
    }
    return number;
}

template <class Entry>
bool is_earlier(const Entry& one, const Entry& other) {
    return one.time_ms < other.time_ms;
}

/// Every time is possible, and none is earlier than the one before.
template <class Entries>
bool are_times_right(const Entries& entries) {
    return std::is_sorted(entries.begin(), entries.end(), is_earlier<typename Entries::value_type>) &&
           (entries.empty() || entries.back().time_ms <= SlidingWindow::kLatestMs);
}

template <class Entries>
void erase_until(Entries& entries, std::uint64_t time_ms) {
    const auto end = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.time_ms > time_ms; });
    entries.erase(entries.begin(), end);
}

}  // namespace

std::optional<SlidingWindow> SlidingWindow::read(std::string_view value) {
    const bool is_shaped = value.starts_with(kWindowMark) && value.size() >= kWindowHeadBytes &&
                           value.size() <= kMaxWindowBytes && (value.size() - kWindowHeadBytes) % kEntryBytes == 0;
    if (!is_shaped) {
        return std::nullopt;
    }
    const std::size_t entries = (value.size() - kWindowHeadBytes) / kEntryBytes;
    const std::uint64_t slots = number_at(value, kWindowMark.size());
    if (slots > kMaxWindowSlots || slots > entries || entries - slots > kMaxWindowHits) {
        return std::nullopt;
    }
    SlidingWindow window;
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t place = kWindowHeadBytes + i * kEntryBytes;
        const std::uint64_t time_ms = number_at(value, place);
        const std::uint64_t number = number_at(value, place + kNumberBytes);
        if (i >= slots) {
            window.hits_.push_back({time_ms, number});
        } else if (number > 0 && number <= kMaxSlotHits) {
            window.slots_.push_back({time_ms, number});
        } else {
            return std::nullopt;
        }
    }
    return are_times_right(window.slots_) && are_times_right(window.hits_) ? std::optional(std::move(window))
                                                                           : std::nullopt;
}

std::string SlidingWindow::packed() const {
    std::string bytes(kWindowMark);
    bytes.reserve(kWindowHeadBytes + (slots_.size() + hits_.size()) * kEntryBytes);
    put_number(bytes, slots_.size());
    for (const Slot& slot : slots_) {
        put_number(bytes, slot.time_ms);
        put_number(bytes, slot.hits);
    }
    for (const Hit& hit : hits_) {
        put_number(bytes, hit.time_ms);
        put_number(bytes, hit.member);
    }
    return bytes;
}

void SlidingWindow::forget_until(std::int64_t time_ms) {
    if (time_ms >= 0) {
        erase_until(slots_, static_cast<std::uint64_t>(time_ms));
        erase_until(hits_, static_cast<std::uint64_t>(time_ms));
    }
}

std::int64_t SlidingWindow::count() const {
    std::uint64_t count = hits_.size();
    for (const Slot& slot : slots_) {
        count += slot.hits;
    }
    return static_cast<std::int64_t>(count);
}

bool SlidingWindow::has(std::string_view member) const {
    const std::uint64_t hash = stable_hash(member);
    return std::any_of(hits_.begin(), hits_.end(), [&](const Hit& hit) { return hit.member == hash; });
}

void SlidingWindow::add(std::uint64_t now_ms, std::string_view member, std::uint64_t window_ms) {
    TULLE_ASSERT(now_ms <= kLatestMs && window_ms > 0);
    const Hit hit{now_ms, stable_hash(member)};
    hits_.insert(std::upper_bound(hits_.begin(), hits_.end(), hit, is_earlier<Hit>), hit);
    if (hits_.size() > kMaxWindowHits) {
        merge(window_ms);
    }
}

void SlidingWindow::merge(std::uint64_t window_ms) {
    const auto kept = hits_.end() - static_cast<std::ptrdiff_t>(kKeptWindowHits);
    std::for_each(hits_.begin(), kept, [&](const Hit& hit) { slots_.push_back({hit.time_ms, 1}); });
    hits_.erase(hits_.begin(), kept);
    std::stable_sort(slots_.begin(), slots_.end(), is_earlier<Slot>);
    // Wider slots are for times that no window of this length holds together. All slots fit into one in the end.
    for (std::uint64_t width = (window_ms + kWindowSlots - 1) / kWindowSlots;; width *= 2) {
        std::vector<Slot> merged;
        for (const Slot& slot : slots_) {
            if (!merged.empty() && merged.back().time_ms / width == slot.time_ms / width) {
                merged.back() = {slot.time_ms, std::min(merged.back().hits + slot.hits, kMaxSlotHits)};
            } else {
                merged.push_back(slot);
            }
        }
        slots_ = std::move(merged);
        if (slots_.size() <= kMaxWindowSlots || width > kLatestMs) {
            break;
        }
    }
    TULLE_ASSERT(slots_.size() <= kMaxWindowSlots);
}

std::uint64_t SlidingWindow::ahead_ms(std::uint64_t now_ms) const {
    const std::uint64_t latest =
        std::max(slots_.empty() ? 0 : slots_.back().time_ms, hits_.empty() ? 0 : hits_.back().time_ms);
    return latest > now_ms ? latest - now_ms : 0;
}

}  // namespace tulle::node::redis
