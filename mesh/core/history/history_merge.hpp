#pragma once

#include <map>

#include "mesh/core/history/history_page.hpp"

namespace tulle::mesh {

/// Makes one answer of the answers of several nodes. A node answers with the first entries that it holds; so does the
/// answer made here, as far as every node's answer goes.
///
/// Limits: the entries that the question wants, and kMaxHistoryPageBytes of them: entries behind those are dropped, and
///         the answer says that there is more. kMaxHistoryFloors floors: the oldest beyond count as dropped ones.
class HistoryMerge {
public:
    explicit HistoryMerge(HistoryAsk ask) : ask_(std::move(ask)), items_(Order{ask_.newest_first}) {}

    /// Takes in a piece of a node's answer. Pieces may come in any order, and more than once.
    void add(const HistoryPart& part);
    /// The answer so far. Moves the entries out.
    [[nodiscard]] HistoryPage take();

private:
    /// The order that was asked for.
    struct Order {
        bool newest_first;
        bool operator()(const Stamp& a, const Stamp& b) const { return newest_first ? b < a : a < b; }
    };

    /// Drops the last entries beyond the limits.
    void trim();
    /// The answer ends with this entry, or before.
    void end_with(const Stamp& last);

    HistoryAsk ask_;
    std::map<Stamp, HistoryItem, Order> items_;
    std::size_t bytes_ = 0;
    /// Entries behind this one are not given: a node may hold others between. time_us 0: nothing ends early.
    Stamp ends_with_;
    std::uint64_t whole_since_us_ = kNeverWhole;
    std::uint64_t evicted_upto_us_ = 0;
    std::uint64_t clock_us_ = 0;
    std::uint64_t told_since_us_ = kNeverWhole;
    std::map<OriginId, std::uint64_t> floors_ = {};
    std::uint64_t dropped_us_ = 0;
};

}  // namespace tulle::mesh
