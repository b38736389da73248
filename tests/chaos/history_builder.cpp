#include "tests/chaos/history_builder.hpp"

#include <algorithm>
#include <utility>

namespace tulle::chaos {

HistoryBuilder::HistoryBuilder() {
    add(0, EventKind::kRun, 0, "1").number = 3;
    for (std::uint32_t node = 1; node <= 3; ++node) {
        add(0, EventKind::kStart, node);
        view_of_all(1'000, node);
        subscribe(2'000, node, node);
    }
}

std::string HistoryBuilder::oid(std::uint32_t node, std::uint32_t incarnation) {
    return "n" + std::to_string(node) + "-" + std::to_string(incarnation);
}

Event& HistoryBuilder::add(int at, EventKind kind, std::uint32_t node, const std::string& text) {
    Event event;
    event.at = Instant(std::chrono::milliseconds(at));
    event.kind = kind;
    event.node = node;
    event.text = text;
    return history_.emplace_back(std::move(event));
}

Event& HistoryBuilder::publish(int at, std::uint32_t node, std::uint64_t number, EventKind outcome) {
    Event& answered = add(at + 1, outcome);
    answered.publisher = node;
    answered.number = number;
    Event& sent = add(at, EventKind::kPublish, node);
    sent.publisher = node;
    sent.number = number;
    sent.channel = 1;
    return sent;
}

void HistoryBuilder::deliver(int at, std::uint32_t subscription, std::uint32_t publisher, std::uint64_t number) {
    Event& event = add(at, EventKind::kDelivered);
    event.subscription = subscription;
    event.publisher = publisher;
    event.number = number;
}

void HistoryBuilder::subscribe(int at, std::uint32_t subscription, std::uint32_t node) {
    Event& event = add(at, EventKind::kSubscribed, node);
    event.subscription = subscription;
    event.channel = 1;
}

void HistoryBuilder::unsubscribe(int at, std::uint32_t subscription) {
    add(at, EventKind::kUnsubscribed).subscription = subscription;
}

void HistoryBuilder::gap(int at, std::uint32_t subscription, std::uint64_t missing) {
    Event& event = add(at, EventKind::kGap);
    event.subscription = subscription;
    event.number = missing;
}

Event& HistoryBuilder::view(int at, std::uint32_t node, const std::string& self, const std::vector<Member>& members) {
    Event& event = add(at, EventKind::kView, node, self);
    event.members = members;
    return event;
}

Event& HistoryBuilder::view_of_all(int at, std::uint32_t node) {
    std::vector<Member> others;
    for (std::uint32_t other = 1; other <= 3; ++other) {
        if (other != node) {
            others.push_back({other, oid(other), "alive", {}, {}});
        }
    }
    return view(at, node, oid(node), others);
}

void HistoryBuilder::cut(int begin, int end, std::uint32_t a, std::uint32_t b) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
        add(begin, EventKind::kCut, from).other = to;
        add(end, EventKind::kHealed, from).other = to;
    }
}

void HistoryBuilder::memory(int at, std::uint32_t node, std::uint64_t mebibytes) {
    add(at, EventKind::kMemory, node).number = mebibytes << 20;
}

Report HistoryBuilder::check_until(int end) {
    add(end, EventKind::kEased);
    std::stable_sort(history_.begin(), history_.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
    return check(history_);
}

}  // namespace tulle::chaos
