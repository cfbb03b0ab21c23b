"""The productions of coroutines, for the body of `run`. See `grammar`."""

COROUTINES: list[str] = [
    """
await asyncio.sleep(0)
print('after', $int)
""",
    """
async def $name(n, wait):
    for _ in range(wait):
        await asyncio.sleep(0)
    print('ran', n)
    if n == $int:
        raise $raised(n)
    return n * 2
print(await asyncio.gather(*[$name(n, 3 - n % 3) for n in $list[:4]]))
""",
    """
async def $name(n):
    await asyncio.sleep(0)
    return 10 // n
print(await asyncio.gather($name($int), $name($small), $name($small), return_exceptions=True))
""",
    """
async def $name(n):
    print('start', n)
    try:
        await asyncio.sleep(0)
        return n // $small
    finally:
        print('end', n)
try:
    async with asyncio.TaskGroup() as $name2:
        tasks = [$name2.create_task($name(n)) for n in $list[:3]]
    print([task.result() for task in tasks])
except* ZeroDivisionError as error:
    print(error.message, [str(one) for one in error.exceptions])
""",
    """
async with asyncio.TaskGroup() as $name:
    $name.create_task(asyncio.sleep(0))
    $body
    raise $raised($str)
""",
    """
$name = asyncio.Queue(maxsize=$small)
async def $name2():
    for item in $list[:4]:
        await $name.put(item)
        print('put', item)
    await $name.put(None)
async def $name3():
    found = []
    while (item := await $name.get()) is not None:
        found.append(item)
        $name.task_done()
    return found
print(await asyncio.gather($name2(), $name3()))
print($name.get_nowait())
""",
    """
async def $name(n):
    for i in range(n):
        yield i
        await asyncio.sleep(0)
async for x in $name($small):
    print('async for', x)
    $body
print([x * 2 async for x in $name(3) if x $compare $int])
print(await anext($name($small)))
""",
    """
class $name:
    async def __aenter__(self):
        print('aenter')
        return $int
    async def __aexit__(self, kind, error, trace):
        print('aexit', kind)
        return $bool
async with $name() as $name2:
    print($name2)
    $body
    raise $raised($str)
""",
    """
$name = asyncio.create_task(asyncio.sleep(9, $str))
await asyncio.sleep(0)
print($name.done(), $name.cancel())
try:
    await $name
except asyncio.CancelledError as error:
    print('cancelled', error.args, $name.cancelled())
print($name.result())
""",
    """
$name = asyncio.Lock()
async def $name2(n):
    async with $name:
        print('in', n)
        await asyncio.sleep(0)
        print('out', n)
await asyncio.gather($name2(1), $name2(2))
$name.release()
""",
    """
$name = asyncio.Event()
async def $name2():
    await $name.wait()
    print('woken')
    return $str
$name3 = asyncio.ensure_future($name2())
await asyncio.sleep(0)
print($name.is_set(), $name3.done())
$name.set()
print(await $name3, await asyncio.wait_for($name2(), 1))
""",
    """
$name = asyncio.get_running_loop().create_future()
$name.add_done_callback(lambda f: print('callback', f.result()))
$name.set_result($int)
print(await $name)
await asyncio.sleep(0)
$name.set_result(2)
""",
    """
$name = asyncio.Semaphore($small)
async def $name2(n):
    async with $name:
        await asyncio.sleep(0)
        print(n, $name.locked())
if $name._value:
    await asyncio.gather(*map($name2, range(3)))
$name3 = await asyncio.wait([asyncio.create_task($name2(9))], timeout=0)
print(len($name3[0]), len($name3[1]))
""",
    """
try:
    async with asyncio.timeout(0):
        await asyncio.sleep(1)
except TimeoutError as error:
    print('timeout', repr(error))
for $name in asyncio.as_completed([asyncio.sleep(0, $int)]):
    print(await $name)
""",
    """
asyncio.run(asyncio.sleep(0))
""",
    """
async def $name():
    raise $raised($str)
$name2 = asyncio.create_task($name())
await asyncio.sleep(0)
print($name2.done(), repr($name2.exception()), $name2.get_name()[:4])
await $name2
""",
]
