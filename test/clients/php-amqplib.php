<?php
// Finds the classes of php-amqplib and of its tests in the folder where phpunit runs, as composer's autoloader would.
spl_autoload_register(static function (string $class): void {
    foreach (['PhpAmqpLib\\Tests\\' => 'tests/', 'PhpAmqpLib\\' => 'PhpAmqpLib/'] as $prefix => $folder) {
        $file = $folder . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
            return;
        }
    }
});
require '/usr/share/php/phpseclib3/autoload.php';
require 'tests/config.php';
require 'tests/php_compat_71.php';
