#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/chaos/checker.hpp"
#include "tools/chaos/history.hpp"

namespace tulle::chaos {

/// Writes histories by hand: a mesh of three nodes that are up and know each other from second 1 on, with subscription
/// K on node K from second 2 on, all of channel 1. Times are milliseconds.
class HistoryBuilder {
public:
    HistoryBuilder();

    /// Oids of the incarnations: "n1-1", "n1-2"…
    [[nodiscard]] static std::string oid(std::uint32_t node, std::uint32_t incarnation = 1);

    Event& add(int at, EventKind kind, std::uint32_t node = 0, const std::string& text = {});
    /// By the publisher with the number of the node; accepted 1 ms later.
    Event& publish(int at, std::uint32_t node, std::uint64_t number, EventKind outcome = EventKind::kAccepted);
    void deliver(int at, std::uint32_t subscription, std::uint32_t publisher, std::uint64_t number);
    void subscribe(int at, std::uint32_t subscription, std::uint32_t node);
    void unsubscribe(int at, std::uint32_t subscription);
    void gap(int at, std::uint32_t subscription, std::uint64_t missing);
    Event& view(int at, std::uint32_t node, const std::string& self, const std::vector<Member>& members);
    /// The node sees the two others alive; sessions and interest may be left out.
    Event& view_of_all(int at, std::uint32_t node);
    /// What the two send to each other is dropped.
    void cut(int begin, int end, std::uint32_t a, std::uint32_t b);
    void memory(int at, std::uint32_t node, std::uint64_t mebibytes);
    /// Sorted, with a last event at `end`, which means nothing.
    [[nodiscard]] Report check_until(int end);

private:
    History history_;
};

}  // namespace tulle::chaos
