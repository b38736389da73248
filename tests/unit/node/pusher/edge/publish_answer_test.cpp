#include "node/pusher/edge/publish_answer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tulle::node::publish_answer_test {
namespace {

using mesh::Published;
using mesh::PublishOutcome;
using mesh::RecordNo;

PublishAnswer answer_of(const std::vector<Published>& all) {
    PublishAnswer answer;
    for (const Published& published : all) {
        answer.note(published);
    }
    return answer;
}

std::string header(const HttpResponse& response, const std::string& name) {
    for (const auto& [known, value] : response.headers) {
        if (known == name) {
            return value;
        }
    }
    return "none";
}

constexpr Published kPlain{1, PublishOutcome::kAccepted, RecordNo{5}};

TEST(PublishAnswer, SaysHowManyHoldTheEventWithTheFewestCopies) {
    HttpResponse response;
    answer_of({kPlain}).add_copies(response);
    EXPECT_EQ(header(response, "Tulle-Copies"), "none");
    const PublishAnswer answer = answer_of({{1, PublishOutcome::kAccepted, RecordNo{4}, 3, 3},
                                            kPlain,
                                            {1, PublishOutcome::kAccepted, RecordNo{6}, 2, 2},
                                            {1, PublishOutcome::kAccepted, RecordNo{7}, 3, 3}});
    EXPECT_TRUE(answer.is_accepted());
    answer.add_copies(response);
    EXPECT_EQ(header(response, "Tulle-Copies"), "2");
}

TEST(PublishAnswer, TellsOfTheEventThatLacksMostCopies) {
    const std::vector<Published> all{{1, PublishOutcome::kAccepted, RecordNo{4}, 3, 3},
                                     {1, PublishOutcome::kFewCopies, RecordNo{6}, 1, 2},
                                     {1, PublishOutcome::kAccepted, RecordNo{7}, 2, 2}};
    const PublishAnswer answer = answer_of(all);
    EXPECT_FALSE(answer.is_accepted());
    EXPECT_FALSE(answer.is_put_off()) << "an event was delivered";
    EXPECT_EQ(answer.refusal().status, 503u);
    EXPECT_EQ(header(answer.refusal(), "Tulle-Copies"), "1/2");
    EXPECT_EQ(header(answer.refusal(), "Retry-After"), "none");
}

TEST(PublishAnswer, AsksForARepetitionWhenNothingWasDelivered) {
    const PublishAnswer alone = answer_of({{1, PublishOutcome::kFewCopies, {}, 1, 2}});
    EXPECT_TRUE(alone.is_put_off());
    EXPECT_EQ(header(alone.refusal(), "Retry-After"), "1");
    const PublishAnswer part = answer_of({{1, PublishOutcome::kFewCopies, {}, 1, 2}, kPlain});
    EXPECT_EQ(header(part.refusal(), "Retry-After"), "none") << "the other event would come twice";
}

TEST(PublishAnswer, IsTheSameInWhateverOrderTheAnswersCome) {
    const Published few{1, PublishOutcome::kFewCopies, RecordNo{6}, 1, 2};
    const Published late{1, PublishOutcome::kNotReady, {}, 2, 2};
    EXPECT_EQ(answer_of({few, late}).refusal(), answer_of({late, few}).refusal());
    EXPECT_EQ(header(answer_of({few, late}).refusal(), "Tulle-Copies"), "1/2");
}

TEST(PublishAnswer, HasAnAnswerForEachOutcome) {
    const auto status = [](PublishOutcome outcome) { return answer_of({{1, outcome, {}}}).refusal().status; };
    EXPECT_EQ(status(PublishOutcome::kNotReady), 503u);
    EXPECT_EQ(status(PublishOutcome::kTooLarge), 413u);
    EXPECT_EQ(status(PublishOutcome::kNotSpoken), 503u);
    EXPECT_EQ(status(PublishOutcome::kBusy), 503u);
    EXPECT_FALSE(answer_of({{1, PublishOutcome::kTooLarge, {}}}).is_put_off());
}

}  // namespace
}  // namespace tulle::node::publish_answer_test
