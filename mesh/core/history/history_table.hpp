#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/event_body.hpp"
#include "mesh/base/hash.hpp"
#include "mesh/base/ids.hpp"
#include "mesh/base/time.hpp"
#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/record.hpp"

namespace tulle::mesh {

/// A message in the history of a channel. (origin, n) names the message. All nodes order the entries of a channel
/// alike: by stamp. The stamps of an origin grow with n.
struct HistoryEntry {
    RecordNo n;
    Stamp stamp;
    SharedBody body;
    std::string exclude_socket = {};
    /// When the entry ends, by this machine's monotonic clock.
    Instant until{};

    [[nodiscard]] std::size_t cost() const { return 128 + exclude_socket.size() + (body ? body->size() : 0); }
};

/// The histories of channels on this node.
///
/// What is evicted leaves a floor: the number and the stamp of the last entry evicted, for each origin. So the table
/// knows from which moment on nothing of a channel was evicted. Floors outlive the entries by `history_floors_for`. A
/// floor that is dropped leaves its stamp: to the channel, or, with the last knowledge of a channel, to all channels
/// that are not known.
///
/// Thread: confined to the hub.
/// Time:   `now` must not go backwards.
/// Cost:   put is O(log channels) amortised; an entry that comes late by stamp is moved into its place.
/// Limits: `history_bytes` of entries, and of what is known of their channels: beyond, the oldest entry of the channel
///         whose oldest entry was put first goes, and with the last entry of all the floors. `history_floors` channels
///         without entries, and kMaxHistoryFloors origins of a channel, are remembered.
class HistoryTable {
public:
    explicit HistoryTable(const Limits& limits) : limits_(limits) {}
    // A copy would point into the other table.
    HistoryTable(const HistoryTable&) = delete;
    HistoryTable& operator=(const HistoryTable&) = delete;
    HistoryTable(HistoryTable&&) = default;
    HistoryTable& operator=(HistoryTable&&) = default;
    ~HistoryTable() = default;

    /// Puts an entry into the history of the channel. False when the entry is there already, when it is known to have
    /// been evicted, and when its time is over: an entry that comes so late leaves a floor, as one that ended here.
    /// REQUIRES: of.size > 0 and entry.stamp.time_us > 0; whoever reads records of peers checks both.
    bool put(Instant now, const std::string& channel, const HistoryLimits& of, HistoryEntry entry);
    /// Evicts a slice of the entries whose time is over, and forgets floors that are too old.
    void on_deadline(Instant now);
    /// When on_deadline() has something to do.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Entries that answer a question.
    struct Page {
        /// In the order that was asked for. Valid until the next change of the table.
        std::vector<const HistoryEntry*> entries;
        /// There are more behind the last one.
        bool has_more = false;
    };
    /// Cost: O(log entries), and the entries given.
    [[nodiscard]] Page page(Instant now, const HistoryAsk& ask) const;
    /// page() gives every entry of the channel with a stamp from this moment on that was put here. Cost: O(entries).
    [[nodiscard]] std::uint64_t whole_since_us(Instant now, std::string_view channel) const {
        return evicted_upto_us(now, channel, [](OriginId) { return true; }) + 1;
    }
    /// The latest stamp of the channel's entries that were put here and are not given any more. Of an origin for which
    /// `any` is false, only those count that a limit of the channel has evicted. Cost: O(entries).
    [[nodiscard]] std::uint64_t evicted_upto_us(Instant now, std::string_view channel,
                                                const std::function<bool(OriginId)>& any) const;
    /// Other nodes have given up entries of the channel up to these stamps: the history here lacks what only those
    /// nodes had. `dropped_us` as in HistoryPart.
    void raise_floors(Instant now, const std::string& channel, std::span<const Stamp> floors, std::uint64_t dropped_us);
    /// As in HistoryPart.
    struct Floors {
        std::vector<Stamp> floors;
        std::uint64_t dropped_us = 0;
    };
    [[nodiscard]] Floors floors(std::string_view channel) const;
    /// Of each origin the latest stamp of the channel's entries, evicted ones included; sorted by origin. Of more than
    /// kMaxPositionOrigins origins the latest. O(origins).
    [[nodiscard]] std::vector<Stamp> latest(std::string_view channel) const;
    /// Calls `visit` with each entry of the channel with a stamp behind `after_us`, oldest first, ended entries
    /// included, until `visit` returns false. O(log entries), and the entries visited.
    void each(std::string_view channel, std::uint64_t after_us,
              const std::function<bool(const HistoryEntry&)>& visit) const;
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t entries() const { return entries_; }
    /// Channels with entries.
    [[nodiscard]] std::size_t channels() const { return by_front_.size(); }
    /// Entries evicted, by the limit that was reached.
    struct Evicted {
        std::uint64_t by_size = 0;
        std::uint64_t by_bytes = 0;
        std::uint64_t by_ttl = 0;
        std::uint64_t by_node = 0;
    };
    [[nodiscard]] const Evicted& evicted() const { return evicted_; }

private:
    struct Held {
        HistoryEntry entry;
        /// Counts the puts of the table upwards.
        std::uint64_t put_no = 0;
    };
    struct Floor {
        RecordNo n;
        /// The stamp of the entry evicted last; and of the entry evicted last by a limit of the channel, not of the
        /// node.
        std::uint64_t time_us = 0;
        std::uint64_t by_channel_us = 0;
    };
    /// Memory of a log and of its places in the indexes, and of a floor, in bytes. The deque of a log has a block of
    /// 512 bytes at least.
    static constexpr std::size_t kLogBytes = 1024;
    static constexpr std::size_t kFloorBytes = 80;
    /// What is known of a channel.
    struct Log {
        /// In order of stamp.
        std::deque<Held> held = {};
        std::size_t bytes = 0;
        std::map<OriginId, Floor> floors = {};
        /// See HistoryTable::latest().
        std::map<OriginId, std::uint64_t> latest = {};
        /// The latest stamp of the floors that were dropped.
        std::uint64_t dropped_us = 0;
        /// The place of the log in by_end_, and, without entries, in by_forget_.
        std::pair<Instant, std::uint64_t> end = {};
    };
    using Logs = StringMap<Log>;
    using Entry = Logs::value_type;

    /// Puts the log into the indexes, or takes it out: after and before each change of its first entry.
    void index(Instant now, Entry& log);
    void unindex(Entry& log);
    /// By which limit an entry is evicted.
    enum class Limit : std::uint8_t { kSize, kBytes, kTtl, kNode };
    /// Evicts the first entry of a log that is not in the indexes.
    void evict_front(Log& log, Limit by);
    /// Raises the floor of the entry's origin, and drops the oldest floor beyond kMaxHistoryFloors.
    void raise_floor(Log& log, RecordNo n, const Stamp& evicted, Limit by);
    /// Notes the stamp of an entry.
    static void note(Log& log, const Stamp& stamp);
    /// Counts an evicted entry.
    void count(Limit by);
    /// Evicts entries until the table is within its limits again.
    void make_room(Instant now);
    /// Forgets the log without entries that is to be forgotten first.
    void forget_first();

    /// The first entry with a stamp of at least `stamp`.
    static std::deque<Held>::const_iterator first_from(const std::deque<Held>& held, const Stamp& stamp);

    Limits limits_;
    Logs logs_;
    /// The logs with entries, by the put number of the first entry.
    std::map<std::uint64_t, Entry*> by_front_;
    /// The logs with entries by the end of the first entry, and those without by when they are forgotten. The number
    /// tells equal moments apart.
    std::map<std::pair<Instant, std::uint64_t>, Entry*> by_end_;
    std::map<std::pair<Instant, std::uint64_t>, Entry*> by_forget_;
    std::uint64_t last_put_ = 0;
    std::size_t bytes_ = 0;
    std::size_t entries_ = 0;
    /// The latest stamp of what was evicted from the channels without a log.
    std::uint64_t forgotten_us_ = 0;
    Evicted evicted_;
};

}  // namespace tulle::mesh
