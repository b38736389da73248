#include "node/web/response_bytes.hpp"

#include <gtest/gtest.h>

namespace tulle::node::response_bytes_test {
namespace {

constexpr WallSeconds kNow{784111777s};

HttpResponse answer(unsigned status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

TEST(ResponseBytes, AreTheHeadAndTheBody) {
    HttpResponse response = answer(429, "{}");
    response.headers.emplace_back("Retry-After", "1");
    EXPECT_EQ(response_bytes(response, Shown::kBody, Kept::kYes, kNow),
              "HTTP/1.1 429 Too Many Requests\r\nServer: tulle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: "
              "1\r\nContent-Type: application/json\r\n"
              "Content-Length: 2\r\n\r\n{}");
}

TEST(ResponseBytes, OfAHeadRequestTellTheLengthAlone) {
    EXPECT_EQ(response_bytes(answer(200, "four"), Shown::kNothing, Kept::kYes, kNow),
              "HTTP/1.1 200 OK\r\nServer: tulle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: "
              "application/json\r\nContent-Length: 4\r\n\r\n");
}

TEST(ResponseBytes, SayThatTheConnectionEnds) {
    EXPECT_EQ(response_bytes(answer(200, ""), Shown::kBody, Kept::kNo, kNow),
              "HTTP/1.1 200 OK\r\nServer: tulle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: "
              "close\r\nContent-Type: application/json\r\n"
              "Content-Length: 0\r\n\r\n");
}

TEST(ResponseBytes, SayToHttp10ThatTheConnectionIsKept) {
    EXPECT_EQ(response_bytes(answer(200, ""), Shown::kBody, Kept::kAsAsked, kNow),
              "HTTP/1.1 200 OK\r\nServer: tulle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n"
              "Content-Type: application/json\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseBytes, OfNoContentHaveNeitherLengthNorType) {
    EXPECT_EQ(response_bytes(answer(204, ""), Shown::kBody, Kept::kYes, kNow),
              "HTTP/1.1 204 No Content\r\nServer: tulle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

}  // namespace
}  // namespace tulle::node::response_bytes_test
