<?php
// A receiver of signed webhooks in PHP 8.1 or later, without packages: for PHP-FPM or Apache, or, to try it,
//   WEBHOOK_SECRET=whsec_… INBOX=inbox php -S 127.0.0.1:8080 receiver.php
// The package `standard-webhooks/standard-webhooks` of Packagist has what `verify` does here.
declare(strict_types=1);

// Bytes; a notification has a little more than 1 MiB at most. PHP's own post_max_size must not be less.
const LIMIT = 2 * 1024 * 1024;

ini_set('display_errors', '0');
try {
    [$status, $reason] = receive(getenv('INBOX') ?: 'inbox');
} catch (Throwable $error) {
    // Not kept: kazoo-relay sends it again.
    error_log($error->getMessage());
    [$status, $reason] = [503, 'it could not be kept'];
}
http_response_code($status);
header('Content-Type: text/plain');
echo $reason;

/** The status of the answer, and why. */
function receive(string $inbox): array
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return [405, 'only POST'];
    }
    $body = file_get_contents('php://input', length: LIMIT + 1);
    if (strlen($body) > LIMIT) {
        return [413, 'too large'];
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $problem = verify($id, $body);
    if ($problem !== null) {
        return [401, $problem];
    }
    if (!preg_match('/^[\w-]{1,100}$/D', $id)) {
        return [400, 'webhook-id is no name of a file'];
    }
    json_decode($body);
    if (json_last_error() !== JSON_ERROR_NONE) {
        return [400, 'not JSON'];
    }
    keep($inbox, $id, $body);
    return [204, ''];
}

/** Why the request isn't kazoo-relay's, or null. */
function verify(string $id, string $body): ?string
{
    $key = base64_decode(preg_replace('/^whsec_/', '', (string) getenv('WEBHOOK_SECRET')), true);
    if ($key === false || $key === '') {
        throw new RuntimeException('WEBHOOK_SECRET must be whsec_ and base64');
    }
    $sent = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!preg_match('/^\d{1,12}$/D', $sent) || abs(time() - (int) $sent) > 300) {
        return 'webhook-timestamp is missing, or more than five minutes away';
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sent.$body", $key, true));
    // One for each secret, while an old one is replaced.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return null;
        }
    }
    return 'no signature fits';
}

/** The file appears whole and only once, however often the notification comes; what reads the inbox does the rest. */
function keep(string $inbox, string $id, string $body): void
{
    $file = "$inbox/$id.json";
    if (file_exists($file)) {
        return;
    }
    if (!is_dir($inbox) && !@mkdir($inbox, 0770, true) && !is_dir($inbox)) {
        throw new RuntimeException("$inbox can't be made");
    }
    $part = "$inbox/" . bin2hex(random_bytes(16)) . '.part';
    $handle = @fopen($part, 'x');
    if (!$handle || fwrite($handle, $body) !== strlen($body) || !fsync($handle) || !fclose($handle) || !rename($part, $file)) {
        throw new RuntimeException("$file can't be written");
    }
    error_log("kept $id");
}
